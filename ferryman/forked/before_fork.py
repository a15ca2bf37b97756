"""What is done once in the server that forks, ahead of all processes: what they share costs them neither time nor
memory of their own.
"""

from confluent_kafka.admin import AdminClient

from ferryman.kafka.clients import QUIET
from ferryman.settings import ambient
from ferryman.telemetry import logs


def prepare() -> None:
    """To be called when all that processes need is imported, and nothing is forked yet."""
    ambient.withhold()
    logs.usual_levels()
    _set_up_clients()


def _set_up_clients() -> None:
    # The first client in a process sets up what all use, such as OpenSSL's tables: a megabyte. This one knows no
    # broker, and its threads go with it: those of one that lived on would be missing in what is forked.
    AdminClient({**QUIET})
