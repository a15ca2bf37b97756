"""``ferryman dlq``: the dead letters of a running worker's connectors."""

from ferryman.commands import Commands

command = Commands("dlq", folder="verbs/dlq", help="Show and replay dead letters, the records that connectors refused.")
