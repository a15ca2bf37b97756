"""``ferryman connectors``: the connectors of a running worker."""

from ferryman.commands import Commands

command = Commands(
    "connectors",
    folder="verbs/connectors",
    help="Look at the connectors of a running worker, or of one of Kafka Connect, and change them.",
)
