"""What an administrator does. Arguments: the brokers, a verb, and names.

`make` makes topics with three partitions each; `forget` deletes consumer groups, as brokers do with
one that is away for too long.
"""

import sys

from confluent_kafka.admin import AdminClient, NewTopic

brokers, verb, *names = sys.argv[1:]
admin = AdminClient({"bootstrap.servers": brokers})
if verb == "make":
    done = admin.create_topics([NewTopic(name, 3, 1) for name in names])
else:
    done = admin.delete_consumer_groups(names)
for one in done.values():
    one.result()
print("{}")
