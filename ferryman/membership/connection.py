"""A member's client of the Kafka cluster, from its first connection to its last."""

from typing import Any

from kafka import errors
from kafka.net.compat import KafkaNetClient
from kafka.protocol.admin import DescribeGroupsRequest

from ferryman.membership import refusal
from ferryman.membership.coordinator import ConnectCoordinator
from ferryman.membership.group_settings import GroupSettings
from ferryman.membership.participant import Participant
from ferryman.membership.refusal import Refusal

_PATIENCE = 10_000
"""Milliseconds without an answer after which the cluster is said to be away; it is asked again."""

_AWAY = "no broker of bootstrap.servers accepts this worker: none answers, or they refuse its login or its certificate"


class Connection:
    """Joins in steps, none of which waits: the network has a thread of its own."""

    def __init__(self, settings: GroupSettings, participant: Participant) -> None:
        self._group, self._participant = settings.group, participant
        self._client = KafkaNetClient(**settings.client)
        self._manager = self._client._manager
        self._coordinator = ConnectCoordinator(self._client, settings, participant)
        self._client._net.start()
        self._step: Any = self._begin(self._look)
        self._looked = False

    @property
    def wants_to_join(self) -> bool:
        """Whether the next step is to join."""
        return self._looked and self._step is None and bool(self._coordinator.need_rejoin())

    def go_on(self) -> None:
        """Begins the next step if the one before has ended; wakes the participant when it ends.

        Raises Refusal, and KafkaError for what does not pass by itself.
        """
        if not self._client._net._io_thread.is_alive():
            raise errors.KafkaConnectionError("the network's thread has ended")
        if self._step is not None and self._step.is_done:
            step, self._step = self._step, None
            if step.exception is not None:
                raise step.exception
            self._looked = True
        if self.wants_to_join:
            self._step = self._begin(self._coordinator.ensure_active_group_async)
        self._coordinator.poll_heartbeat()

    def close(self, reason: str) -> None:
        """Leaves the group if it is in one, and ends the network's thread."""
        self._client._net.run(self._coordinator.leave, reason)
        self._client._net.run(self._manager.close)
        self._client._net.close()

    def _begin(self, coroutine: Any) -> Any:
        future = self._manager.call_soon(coroutine)
        future.add_both(lambda _: self._participant.wake())
        return future

    async def _look(self) -> None:
        """Waits for the cluster, and looks who is in the group, so that no other kind of worker is disturbed."""
        try:
            await self._manager.bootstrap_async(_PATIENCE)
        except errors.KafkaTimeoutError:
            raise Refusal(_AWAY) from None
        await self._coordinator.ensure_coordinator_ready_async()
        request = DescribeGroupsRequest(groups=[self._group], include_authorized_operations=False)
        response = await self._manager.send(request, node_id=self._coordinator.coordinator_id)
        for group in response.groups:
            members = {str(each.member_id): bytes(each.member_metadata or b"") for each in group.members}
            if group.protocol_type == self._coordinator.protocol_type():
                refusal.found_before(self._group, members)
