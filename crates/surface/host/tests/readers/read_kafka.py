"""Reads topics with a client that is none of ours, and compares them with what they are to hold.

Arguments: the brokers, and a file of JSON lines. A line is one record that is expected: `topic`,
`partition`, `key`, and `value` in hexadecimal digits. Of a topic in `folded` the newest record of
each key counts, in any order; of all others every record, in order.

It prints one JSON object: how many committed records there are, how many records belong to
transactions that were ended before they were committed, and the first differences.
"""

import json
import sys
from collections import defaultdict

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

PATIENCE_POLLS = 240


def read(brokers, topics, isolation):
    """All records that are there, by topic and partition."""
    consumer = Consumer({
        "bootstrap.servers": brokers,
        "group.id": "a-reader-of-the-tests",
        "enable.auto.commit": False,
        "isolation.level": isolation,
        "enable.partition.eof": True,
        "auto.offset.reset": "error",
        "fetch.wait.max.ms": 50,
    })
    found = defaultdict(list)
    known = consumer.list_topics(timeout=30).topics
    places = [
        TopicPartition(topic, partition, OFFSET_BEGINNING)
        for topic in topics
        for partition in known[topic].partitions
    ]
    consumer.assign(places)
    ended, silent = set(), 0
    while len(ended) < len(places):
        messages = consumer.consume(10_000, timeout=0.5)
        silent = 0 if messages else silent + 1
        if silent > PATIENCE_POLLS:
            sys.exit(f"{len(ended)} of {len(places)} partitions come to an end")
        for message in messages:
            place = (message.topic(), message.partition())
            if message.error() is None:
                ended.discard(place)
                found[place].append((message.key(), message.value()))
            elif message.error().code() == KafkaError._PARTITION_EOF:
                ended.add(place)
            elif message.error().fatal():
                sys.exit(str(message.error()))
    consumer.close()
    return found


def fold(records):
    """The newest record of each key; one without a value deletes it."""
    newest = {}
    for key, value in records:
        newest[key] = value
    return sorted((key, value) for key, value in newest.items() if value is not None)


def short(record):
    return None if record is None else [str(record[0]), str(record[1])[:200]]


def main():
    brokers, path = sys.argv[1:]
    expected, folded = defaultdict(list), set()
    with open(path, encoding="utf-8") as lines:
        head = json.loads(next(lines))
        folded.update(head["folded"])
        for line in lines:
            record = json.loads(line)
            place = (record["topic"], record["partition"])
            expected[place].append((record["key"].encode(), bytes.fromhex(record["value"])))
    topics = head["topics"]
    found = read(brokers, topics, "read_committed")
    written = read(brokers, topics, "read_uncommitted")
    differences = []
    for place in sorted(set(found) | set(expected)):
        ours, theirs = expected[place], found[place]
        if place[0] in folded:
            ours, theirs = sorted(ours), fold(theirs)
        for index in range(max(len(ours), len(theirs))):
            one = ours[index] if index < len(ours) else None
            other = theirs[index] if index < len(theirs) else None
            if one != other:
                differences.append([*place, index, short(one), short(other)])
                break
    committed = sum(len(records) for records in found.values())
    aborted = sum(len(records) for records in written.values()) - committed
    print(json.dumps({"committed": committed, "aborted": aborted, "differences": differences}))


main()
