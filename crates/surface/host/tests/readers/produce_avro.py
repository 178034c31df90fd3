"""Produces messages in Avro, with a stock client and a registry of schemas.

Arguments: the brokers, a topic, the registry, the file of the union of all events, the number of the
first message, and how many there are. It registers the schema, and prints its number and how many
messages were sent, as JSON.
"""

import io
import json
import struct
import sys
import time
import urllib.request
from datetime import datetime, timedelta, timezone

import fastavro
from confluent_kafka import Producer

START = datetime(2026, 3, 2, 8, 0, 0, tzinfo=timezone.utc)

brokers, topic, registry, file, first, count = sys.argv[1:]
with open(file) as opened:
    schema = json.load(opened)
body = json.dumps({"schema": json.dumps(schema)}).encode()
kind = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
url = f"{registry}/subjects/{topic}-value/versions"
with urllib.request.urlopen(urllib.request.Request(url, body, kind)) as answer:
    number = json.load(answer)["id"]
parsed = fastavro.parse_schema(schema)
producer, failed = Producer({"bootstrap.servers": brokers, "enable.idempotence": True}), []
for step in range(int(first), int(first) + int(count)):
    at = START + timedelta(seconds=step)
    value = {"store_id": "S1", "timestamp": at, "customer_id": f"C{step}"}
    message = io.BytesIO()
    fastavro.schemaless_writer(message, parsed, ("shelf.v1.event.entry", value))
    time.sleep(0.003)
    producer.produce(
        topic, struct.pack(">bI", 0, number) + message.getvalue(), f"C{step}",
        timestamp=int(time.time() * 1000),
        on_delivery=lambda error, _: error and failed.append(str(error)),
    )
if producer.flush(60) > 0 or failed:
    sys.exit(f"not sent: {failed[:3]}")
print(json.dumps({"schema": number, "sent": int(count)}))
