"""``ferryman connectors``: the connectors of a running worker."""

from ferryman.commands import Commands

command = Commands(
    "connectors",
    folder="verbs/connectors",
    help="Show and change the connectors of a running worker, Ferryman's or Kafka Connect's.",
)
