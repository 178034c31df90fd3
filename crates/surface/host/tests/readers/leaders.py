"""Waits until a broker leads partitions of a topic, or none of them.

Arguments: the brokers, the topic, the number of the broker, and `some` or `none`. It prints how
many it leads, as JSON.
"""

import json
import sys
import time

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

PATIENCE_S = 90


def main():
    brokers, topic, node, wanted = sys.argv[1:]
    admin = AdminClient({"bootstrap.servers": brokers})
    begun = time.monotonic()
    while time.monotonic() - begun < PATIENCE_S:
        try:
            partitions = admin.list_topics(topic, timeout=10).topics[topic].partitions
        except KafkaException:
            partitions = {}
        led = sum(one.leader == int(node) for one in partitions.values())
        if partitions and (led > 0) == (wanted == "some"):
            print(json.dumps({"led": led}))
            return
        time.sleep(0.1)
    sys.exit(f"broker {node} does not lead {wanted} of {topic}")


main()
