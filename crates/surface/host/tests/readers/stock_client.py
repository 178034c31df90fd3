"""A stock client beside a chain: sends what the reference's producers send, and reads what follows.

Arguments: the brokers, the prefix of the topics, what to do, and how many shoppers there are.

`sessions`, `entries`, `touches`, `receipts`, `exits` and `deliveries` send messages of one kind,
keyed as the reference keys them: by customer, or not at all. None names a store. They print how
many were sent. `read` prints what the eleven compacted topics hold, by topic and key the newest
value, and all alerts in their order.
"""

import json
import sys
import uuid

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition

WEIGHT_G = 1030.0
PRICE = 1.29
ALERTS = "alerts"
RECORDS = (
    "shelf_state", "wh_state", "shelf_batch_state", "wh_batch_state", "daily_discounts",
    "shelf_restock_plan", "wh_supplier_plan", "shelf_policies", "wh_policies", "batch_catalog",
    "shelf_profiles",
)


def at(minute, second):
    return f"2026-01-01T09:{minute:02}:{second:02}+00:00"


def sessions(number, customer):
    yield "foot_traffic", customer, {
        "event_type": "foot_traffic", "customer_id": customer, "entry_time": at(0, number),
        "exit_time": at(45, number), "trip_duration_minutes": 45, "weekday": "Thursday",
        "time_slot": "09:00–10:00",
    }


def passes(kind, minute, number, customer):
    """Two pass the door in the same second; only the key says who each is."""
    yield "foot_traffic_realistic", customer, {
        "event_type": kind, "time": at(minute, number // 2), "weekday": "Thursday",
        "time_slot": "09:00–10:00",
    }


def entries(number, customer):
    yield from passes("entry", 0, number, customer)


def exits(number, customer):
    yield from passes("exit", 46, number, customer)


def touches(number, customer):
    """Two units are taken, one is put back; the shelf weighs itself."""
    for kind, quantity, minute, sign in [("pickup", 2, 10, -1), ("putback", 1, 20, 1)]:
        touch = {"customer_id": customer, "item_id": "MILK", "timestamp": at(minute, number)}
        yield "shelf_events", customer, {
            "event_type": kind, "quantity": quantity, "weight": WEIGHT_G, **touch,
        }
        yield "shelf_events", customer, {
            "event_type": "weight_change", "delta_weight": sign * quantity * WEIGHT_G, **touch,
        }


def receipts(number, customer):
    line = {
        "item_id": "MILK", "quantity": 1, "unit_price": PRICE, "discount": 0.0,
        "total_price": PRICE, "batch_code": "L0", "expiry_date": "2026-02-01",
    }
    yield "pos_transactions", customer, {
        "event_type": "pos_transaction", "transaction_id": str(uuid.uuid4()),
        "customer_id": customer, "timestamp": at(45, number), "items": [line],
    }


def deliveries(number, _):
    if number > 0:
        return
    yield "wh_events", None, {
        "event_type": "wh_in", "event_id": str(uuid.uuid4()), "plan_id": None, "shelf_id": "MILK",
        "batch_code": "SUP-20260101-MILK-1", "qty": 12, "unit": "ea", "timestamp": at(50, 0),
        "fifo": True, "received_date": "2026-01-01", "expiry_date": "2027-01-01",
        "batch_quantity_warehouse_after": None, "batch_quantity_store_after": None,
        "shelf_warehouse_qty_after": None, "reason": "supplier_delivery",
    }


def send(brokers, prefix, kind, shoppers):
    producer = Producer({"bootstrap.servers": brokers, "enable.idempotence": True})
    failures, sent = [], 0

    def told(error, _):
        if error is not None:
            failures.append(str(error))

    for number in range(shoppers):
        customer = str(uuid.uuid5(uuid.NAMESPACE_OID, f"shopper {number}"))
        for topic, key, value in kind(number, customer):
            text = json.dumps(value, ensure_ascii=False)
            producer.produce(f"{prefix}.{topic}", key=key, value=text, on_delivery=told)
            sent += 1
    if producer.flush(60) > 0 or failures:
        sys.exit(f"not sent: {failures[:3]}")
    return {"sent": sent}


def read(brokers, prefix):
    consumer = Consumer({
        "bootstrap.servers": brokers, "group.id": "somebody", "enable.auto.commit": False,
        "isolation.level": "read_committed", "enable.partition.eof": True,
        "auto.offset.reset": "error",
    })
    known = consumer.list_topics(timeout=30).topics
    alerts, told = f"{prefix}.{ALERTS}", []
    names = [f"{prefix}.{name}" for name in RECORDS]
    places = [
        TopicPartition(name, partition, OFFSET_BEGINNING)
        for name in [*names, alerts]
        for partition in known[name].partitions
    ]
    consumer.assign(places)
    held, ended = {name: {} for name in names}, set()
    for _ in range(240):
        for message in consumer.consume(1_000, timeout=0.5):
            place = (message.topic(), message.partition())
            if message.error() is None and message.topic() == alerts:
                told.append(json.loads(message.value()))
            elif message.error() is None:
                key = message.key().decode()
                if message.value() is None:
                    held[message.topic()].pop(key, None)
                else:
                    held[message.topic()][key] = json.loads(message.value())
            elif message.error().code() == KafkaError._PARTITION_EOF:
                ended.add(place)
        if len(ended) == len(places):
            break
    else:
        sys.exit(f"{len(ended)} of {len(places)} partitions come to an end")
    consumer.close()
    records = {name.removeprefix(f"{prefix}."): values for name, values in held.items()}
    return {**records, ALERTS: told}


def main():
    brokers, prefix, what, shoppers = sys.argv[1:]
    all_kinds = (sessions, entries, touches, receipts, exits, deliveries)
    kinds = {kind.__name__: kind for kind in all_kinds}
    told = read(brokers, prefix) if what == "read" else send(
        brokers, prefix, kinds[what], int(shoppers))
    print(json.dumps(told))


main()
