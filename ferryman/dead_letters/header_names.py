"""The names of a dead letter's headers: what is written under them is read again by them.

Kafka Connect's are DeadLetterQueueReporter's.
"""

CONNECT, OURS = "__connect.errors.", "__ferryman.errors."
"""What Kafka Connect's begin with, and ours."""

TOPIC, PARTITION, OFFSET = f"{CONNECT}topic", f"{CONNECT}partition", f"{CONNECT}offset"
"""Where the record lay; of a source's, where it was to go, without an offset."""
CONNECTOR, TASK = f"{CONNECT}connector.name", f"{CONNECT}task.id"
STAGE, PLUGIN = f"{CONNECT}stage", f"{CONNECT}class.name"
EXCEPTION, MESSAGE = f"{CONNECT}exception.class.name", f"{CONNECT}exception.message"
TRACE = f"{CONNECT}exception.stacktrace"

FIELD = f"{OURS}field"
"""The path of the field at fault."""
TIME, TIMESTAMP = f"{OURS}time", f"{OURS}timestamp"
"""When the record was refused, and the record's own timestamp; in milliseconds."""
ATTEMPTS, EDIT = f"{OURS}attempts", f"{OURS}edit"
"""How often a record was tried again, and by which expression its value was edited."""
LEFT_OUT, LEFT_OUT_BECAUSE_OF = f"{OURS}left.out", f"{OURS}left.out.because.of"
"""Which parts of its record a letter lacks, and why."""
VALUE_BYTES = f"{OURS}value.bytes"
"""How large a value is that was left out."""
SOURCE_PARTITION, SOURCE_OFFSET = f"{OURS}source.partition", f"{OURS}source.offset"
"""Where in the source a record comes from, in JSON."""
