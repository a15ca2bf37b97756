"""The place in its group of a sink's task whose process this worker had to kill: given up for it.

A static member that was killed keeps its partitions until its session times out: they stand still though other tasks
could read them, and the group's offsets cannot be moved.
"""

from ferryman.kafka.clients import Clients
from ferryman.membership import client_settings
from ferryman.plugins import catalog
from ferryman.task.setup.spec import TaskSpec


def leave(spec: TaskSpec) -> None:
    """For when its process is proven dead, since one that lives would join again. Blocks.

    Raises ConfigError where kafka-python cannot use its client settings, RetriableError if the cluster does not answer.
    """
    entry = catalog.connector_entry(spec.config.get("connector.class", ""))
    if entry is None or entry.kind != "sink":
        return
    # Imports kafka-python, which a standalone worker seldom needs.
    from ferryman.membership.static_members import remove_members

    clients = Clients(spec.connector, spec.task, spec.worker, spec.config, spec.identity)
    if clients.group_protocol != "classic":
        return  # it has no identity by which anybody else could name it
    connection = client_settings.of_client(clients.connection, f"{clients.member}-leaving")
    remove_members(connection, clients.group, [clients.member])
