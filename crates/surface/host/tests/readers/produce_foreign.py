"""Produces messages of two other systems, keyed as those systems key them, with a stock client.

Arguments: the brokers, how many rounds, and the topics in this order: sales, inventory updates,
restock alerts, price changes and customer events of the first system; transactions, inventory
updates and customer events of the second. The same arguments give the same messages but for the
times of writing. Those of a later round were written later, whichever topic and partition they are
in: the first some hours ago, for brokers drop what is older than a topic's retention.

It prints how many messages there are, as JSON.
"""

import json
import random
import sys
import time
import uuid
from datetime import datetime, timedelta

from confluent_kafka import Producer

START = datetime(2026, 3, 2, 8, 0, 0)
AGO_S = 12 * 3600
STORES = [f"STORE{100 + number}" for number in range(6)]
SKUS = [(f"SKU{10000 + number}", 199 + 37 * number) for number in range(12)]
CITIES = ["London-Central", "Edinburgh-Royal", "Leeds-West"]
PRODUCTS = [
    ("P001", "Organic Milk", "Dairy", 249),
    ("P002", "Whole Wheat Bread", "Bakery", 189),
    ("P003", "Free Range Eggs", "Dairy", 329),
    ("P007", "Coffee Beans", "Beverages", 899),
]


def money(cents):
    return cents / 100


class World:
    def __init__(self):
        self.random = random.Random(7)
        self.now = START
        pairs = [(store, sku) for store in STORES for sku, _ in SKUS]
        self.stock = {pair: self.random.randint(20, 200) for pair in pairs}
        self.prices = dict(SKUS)
        self.shelf = {(city, one[0]): 250 for city in CITIES for one in PRODUCTS}

    def number(self):
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def stamp(self):
        return self.now.isoformat(timespec="microseconds")

    def sale(self):
        store, sku = self.random.choice(STORES), self.random.choice(SKUS)[0]
        before = self.stock[store, sku]
        units = min(self.random.choice([1, 1, 1, 2, 2, 3, 5]), max(before, 1))
        price, transaction = self.prices[sku], self.number()
        yield 0, transaction, {
            "transaction_id": transaction, "store_id": store, "product_id": sku,
            "quantity": units, "unit_price": money(price), "total_amount": money(price * units),
            "timestamp": self.stamp(), "customer_id": f"CUST{self.random.randint(1000, 9999)}",
            "payment_method": self.random.choice(["cash", "credit_card"]), "store_region": "North",
            "product_category": "Electronics",
            "event_type": "sales_transaction", "event_version": "1.0",
        }
        yield from self.change(store, sku, -units, "sale")

    def change(self, store, sku, units, reason):
        before = self.stock[store, sku]
        after = max(before + units, 0)
        self.stock[store, sku] = after
        yield 1, f"{store}_{sku}", {
            "inventory_id": self.number(), "store_id": store, "product_id": sku,
            "quantity_change": units, "new_quantity": after, "previous_quantity": before,
            "reason": reason, "timestamp": self.stamp(),
            "event_type": "inventory_update", "event_version": "1.0",
        }

    def inventory(self):
        store, sku = self.random.choice(STORES), self.random.choice(SKUS)[0]
        units = self.random.randint(-5, 10)
        reason = "receipt" if units > 0 else self.random.choice(["damage", "theft", "adjustment"])
        yield from self.change(store, sku, units, reason)

    def alert(self):
        store, sku = self.random.choice(STORES), self.random.choice(SKUS)[0]
        yield 2, store, {
            "alert_id": self.number(), "store_id": store, "product_id": sku,
            "current_quantity": self.stock[store, sku], "reorder_point": 10,
            "supplier": "Supplier 1", "alert_type": "low_stock", "severity": "high",
            "timestamp": self.stamp(), "event_type": "restock_alert", "event_version": "1.0",
        }

    def price(self):
        sku = self.random.choice(SKUS)[0]
        old = self.prices[sku]
        self.prices[sku] = new = max(1, round(old * self.random.uniform(0.8, 1.2)))
        yield 3, None, {
            "price_change_id": self.number(), "product_id": sku, "old_price": money(old),
            "new_price": money(new), "change_pct": round((new - old) / old * 100, 2),
            "reason": "promotion", "effective_date": self.stamp(), "timestamp": self.stamp(),
        }

    def customer(self):
        yield 4, None, {
            "event_id": self.number(), "store_id": self.random.choice(STORES),
            "customer_id": "CUST1000", "event_type": "cart_addition",
            "product_id": self.random.choice(SKUS)[0], "session_duration": 60,
            "timestamp": self.stamp(),
        }

    def basket(self):
        city, number = self.random.choice(CITIES), f"TXN-{self.random.getrandbits(60)}"
        items = []
        for sku, name, category, price in self.random.sample(PRODUCTS, self.random.randint(1, 3)):
            units = self.random.randint(1, 3)
            items.append({
                "product_id": sku, "product_name": name, "category": category, "quantity": units,
                "unit_price": money(price), "total": money(price * units),
            })
        total = round(sum(item["total"] for item in items), 2)
        yield 5, number, {
            "transaction_id": number, "timestamp": self.stamp(), "store_id": city,
            "customer_id": "CUST-10000", "customer_type": "member", "items": items,
            "total_amount": total, "payment_method": "card", "discount_applied": 0.5,
            "final_amount": round(total * 0.9, 2),
        }

    def shelf_change(self):
        city, (sku, name, _, _) = self.random.choice(CITIES), self.random.choice(PRODUCTS)
        kind = self.random.choice(["restock", "sale", "damage"])
        units = self.random.randint(1, 9) * (1 if kind == "restock" else -1)
        self.shelf[city, sku] = after = max(self.shelf[city, sku] + units, 0)
        number = f"INV-{self.random.getrandbits(60)}"
        yield 6, number, {
            "event_id": number, "timestamp": self.stamp(), "store_id": city, "product_id": sku,
            "product_name": name, "event_type": kind, "quantity_change": units,
            "current_stock": after, "reorder_level": 50, "alert": False,
        }

    def visit(self):
        number = f"CUST-{self.random.getrandbits(60)}"
        yield 7, number, {
            "event_id": number, "timestamp": self.stamp(), "customer_id": "CUST-10001",
            "event_type": "login", "store_id": self.random.choice(CITIES),
            "session_duration": 30, "page_views": 2, "device": "mobile", "channel": "app",
        }

    def broken(self):
        yield self.random.choice([0, 1, 5]), "nobody", "no event"
        yield 0, "half", {"transaction_id": "T", "event_type": "sales_transaction", "quantity": -1}

    def round(self):
        kinds = [self.sale, self.inventory, self.alert, self.price, self.customer, self.basket,
                 self.shelf_change, self.visit, self.broken]
        weights = [40, 12, 3, 6, 8, 20, 12, 8, 1]
        yield from self.random.choices(kinds, weights)[0]()
        self.now += timedelta(milliseconds=self.random.choice([0, 1, 250, 4000]))


def main():
    brokers, rounds, *topics = sys.argv[1:]
    producer = Producer({
        "bootstrap.servers": brokers, "acks": "all", "enable.idempotence": True,
        "linger.ms": 10, "compression.type": "gzip",
    })
    world, sent, failed = World(), 0, []
    begun = int((time.time() - AGO_S) * 1000)
    for _ in range(int(rounds)):
        for topic, key, value in world.round():
            text = value if isinstance(value, str) else json.dumps(value)
            written = begun + (world.now - START) // timedelta(milliseconds=1)
            producer.produce(
                topics[topic], text.encode(), key, timestamp=written,
                on_delivery=lambda error, _: error and failed.append(str(error)),
            )
            sent += 1
        producer.poll(0)
    producer.flush(60)
    if failed:
        sys.exit(failed[0])
    print(json.dumps({"sent": sent}))


main()
