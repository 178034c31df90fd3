"""Produces the messages of sensors and tills, keyed by shelf, with a stock client.

Arguments: the brokers, the prefix of the topics, the number of the first message, how many there
are, and `past` or `now`: when they are written. What a store sends lies in all partitions of two
topics; each message was written later than the one before, and is of a later time.

It prints how many messages there are, as JSON.
"""

import json
import random
import sys
import time
from datetime import datetime, timedelta, timezone

from confluent_kafka import Producer

START = datetime(2026, 3, 2, 8, 0, 0, tzinfo=timezone.utc)
AGO_S = 3600
STORES = ["S1", "S2", "S3"]
SHELVES = [f"SHELF{number}" for number in range(16)]


def touch(number, store, shelf):
    kind = "pickup" if number % 3 else "putback"
    return "shelf_events", {
        "event_type": kind, "store_id": store, "customer_id": f"C{number % 40}", "item_id": shelf,
        "quantity": 1, "weight": 1030.0, "timestamp": at(number),
    }


def sale(number, store, shelf):
    line = {"item_id": shelf, "quantity": 1, "unit_price": 1.29, "total_price": 1.29}
    return "pos_transactions", {
        "event_type": "pos_transaction", "store_id": store, "transaction_id": f"T{number}",
        "customer_id": f"C{number % 40}", "timestamp": at(number), "items": [line],
    }


def at(number):
    return (START + timedelta(seconds=number)).isoformat()


def main():
    brokers, prefix, first, count, when = sys.argv[1:]
    first, count = int(first), int(count)
    producer = Producer({
        "bootstrap.servers": brokers, "enable.idempotence": True, "linger.ms": 5,
    })
    chance, failed = random.Random(first), []
    begun = int((time.time() - AGO_S) * 1000)
    written = 0
    for number in range(first, first + count):
        store, shelf = chance.choice(STORES), chance.choice(SHELVES)
        topic, value = chance.choice([touch, sale])(number, store, shelf)
        if when == "now":
            time.sleep(0.003)
            written = max(written + 1, int(time.time() * 1000))
        else:
            written = begun + number
        producer.produce(
            f"{prefix}.{topic}", json.dumps(value).encode(), shelf, timestamp=written,
            on_delivery=lambda error, _: error and failed.append(str(error)),
        )
        producer.poll(0)
    if producer.flush(60) > 0 or failed:
        sys.exit(f"not sent: {failed[:3]}")
    print(json.dumps({"sent": count}))


main()
