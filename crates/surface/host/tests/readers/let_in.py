"""Has a topic take records of every size. Arguments: the brokers, and the topic."""

import sys

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

admin = AdminClient({"bootstrap.servers": sys.argv[1]})
size = ConfigEntry("max.message.bytes", "8388608", incremental_operation=AlterConfigOpType.SET)
topic = ConfigResource(ConfigResource.Type.TOPIC, sys.argv[2], incremental_configs=[size])
for done in admin.incremental_alter_configs([topic]).values():
    done.result()
print("{}")
