"""How far topics are written, and how far they can be read by those who read what is committed.

Arguments: the brokers, and topics by their full names. Prints a list for each partition, as JSON:
topic, partition, end, and the end of what is committed. The second is the smaller one where a
transaction is open.
"""

import json
import sys

from confluent_kafka import Consumer, TopicPartition

brokers, *topics = sys.argv[1:]


def ends(isolation):
    consumer = Consumer({
        "bootstrap.servers": brokers, "group.id": "somebody", "isolation.level": isolation,
    })
    found = {}
    for topic in topics:
        known = consumer.list_topics(topic, timeout=30).topics[topic]
        for partition in sorted(known.partitions):
            place = TopicPartition(topic, partition)
            found[topic, partition] = consumer.get_watermark_offsets(place, timeout=30)[1]
    consumer.close()
    return found


committed, written = ends("read_committed"), ends("read_uncommitted")
print(json.dumps([[*place, end, committed[place]] for place, end in written.items()]))
