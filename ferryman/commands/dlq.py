"""``ferryman dlq``: the dead letters of a running worker's connectors."""

from ferryman.commands import Commands

command = Commands("dlq", folder="verbs/dlq", help="Look at the records that connectors refused: their dead letters.")
