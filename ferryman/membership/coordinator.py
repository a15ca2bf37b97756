"""kafka-python's side of a membership: Kafka Connect's protocol on its coordinator.

Everything here runs on the thread of the network; what is decided, and what waits, is elsewhere.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from kafka import errors
from kafka.coordinator.base import BaseCoordinator
from kafka.protocol.consumer import HeartbeatRequest, LeaveGroupRequest

from ferryman.membership.group_settings import GroupSettings
from ferryman.membership.session import boot_time

_KNOWS_STATIC_MEMBERS = (2, 3)
"""What the coordinator asks its version for; requests take theirs from what the broker says."""
_LEAVING = 5000


class Participant(Protocol):
    """Who the coordinator takes part for. Nothing here may block."""

    def declare(self) -> list[tuple[str, bytes]]:
        """The sub-protocols offered, and what the leader is told in each."""

    def lead(self, protocol: str, generation: int, leader: str, members: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """What each member is told, from what each has declared. Raises Refusal for a group it cannot lead."""

    def joined(self, protocol: str, generation: int, member_id: str, told: bytes) -> None:
        """The member is in, with what the leader told it."""

    def answered(self, at: float, rebalancing: bool) -> None:
        """A request that was sent at ``at`` says that the member is in the group."""

    def fell_out(self, reason: str) -> None:
        """The member is not in the group any more."""

    def wants(self, rejoin: bool) -> bool:
        """Whether to join, where ``rejoin`` says whether the protocol asks for it."""

    def wake(self) -> None:
        """Something has changed that the member's own thread should look at."""


class ConnectCoordinator(BaseCoordinator):  # type: ignore[misc]
    """A member of a group of Connect workers."""

    def __init__(self, client: Any, settings: GroupSettings, participant: Participant) -> None:
        super().__init__(
            client,
            group_id=settings.group,
            session_timeout_ms=settings.session_timeout,
            heartbeat_interval_ms=settings.heartbeat_interval,
            max_poll_interval_ms=settings.rebalance_timeout,
            request_timeout_ms=settings.client.get("request_timeout_ms", 40_000),
            retry_backoff_ms=settings.client.get("retry_backoff_ms", 100),
            api_version=_KNOWS_STATIC_MEMBERS,
        )
        self._participant, self._between = participant, settings.heartbeat_interval / 1000
        self._sent_before_sync = boot_time()
        self._looked_up: float | None = None

    def protocol_type(self) -> str:
        return "connect"

    def group_protocols(self) -> list[tuple[str, bytes]]:
        return self._participant.declare()

    def need_rejoin(self) -> bool:
        return self._participant.wants(super().need_rejoin())

    async def _send_group_coordinator_request(self) -> Any:
        # Brokers name a coordinator that has died until the controller misses it; the base asks again at once.
        if self._looked_up is not None:
            await self._net.sleep(max(0.0, self._looked_up + self.config["retry_backoff_ms"] / 1000 - boot_time()))
        self._looked_up = boot_time()
        found = await super()._send_group_coordinator_request()
        # The base counts a whole interval from here on, in which a lease may end; Java counts from the last heartbeat.
        self.heartbeat.fail_heartbeat()
        return found

    def request_rejoin(self) -> None:
        super().request_rejoin()
        self._participant.wake()

    def reset_generation(self, member_id: str = "") -> None:
        # With a member id it stays in the group: it has a first id, or missed the end of a rebalance that it was part
        # of. What it declared then is its own still.
        super().reset_generation(member_id)
        if not member_id:
            self._participant.fell_out("the group does not know this member any more")

    async def maybe_leave_group_async(self, reason: str | None = None, timeout_ms: float | None = None) -> None:
        # The base leaves at once when the member's thread was busy for longer than the rebalance timeout: with work
        # that is still being ended, which nobody else may get before the session is over.
        super().reset_generation()
        self._participant.fell_out("ending work took longer than rebalance.timeout.ms")

    async def leave(self, reason: str) -> None:
        """Tells the coordinator that this member goes. Errors are of no interest: its session would end anyway."""
        member_id, self.rejoin_needed = self._generation.member_id, False
        self._disable_heartbeat()
        self._close_heartbeat()
        if not member_id:
            return
        identity = LeaveGroupRequest.MemberIdentity(member_id=member_id, group_instance_id=None, reason=reason[:255])
        request = LeaveGroupRequest(group_id=self.group_id, member_id=member_id, members=[identity])
        try:
            await self._manager.wait_for(self._beside(request), _LEAVING)
        except errors.KafkaError:
            return

    def _perform_assignment(self, leader_id: str, protocol: str, members: Any) -> Mapping[str, bytes]:
        declared = {str(member.member_id): bytes(member.metadata) for member in members}
        return self._participant.lead(protocol, self._generation.generation_id, leader_id, declared)

    async def _on_join_complete_async(self, generation: int, member_id: str, protocol: str, told: Any) -> None:
        self._participant.joined(protocol, generation, member_id, bytes(told))

    async def _do_join_and_sync_async(self) -> Any:
        joining = self._generation
        self._net.call_soon(lambda: self._keep_alive(joining))
        return await super()._do_join_and_sync_async()

    async def _keep_alive(self, joining: Any) -> None:
        """Sends heartbeats while a join is not answered, which may take as long as the slowest member.

        The base sends none meanwhile, and could not: on the connection of the join, the broker would not read them.
        """
        while joining.has_member_id():
            await self._net.sleep(self._between)
            if self._generation is not joining or not self.rebalance_in_progress() or self._manager.closed:
                return
            request = HeartbeatRequest(
                group_id=self.group_id, generation_id=joining.generation_id, member_id=joining.member_id
            )
            at = boot_time()
            try:
                response = await self._beside(request)
            except errors.KafkaError:
                continue
            if errors.for_code(response.error_code) in (errors.NoError, errors.RebalanceInProgressError):
                self._participant.answered(at, True)

    def _beside(self, request: Any) -> Any:
        """Sends a request to the coordinator by its ordinary connection, which a join does not hold up."""
        if self.coordinator_id is None:
            raise errors.CoordinatorNotAvailableError
        return self._manager.send(request, node_id=int(str(self.coordinator_id).rpartition("-")[2]))

    def _process_join_group_response(self, response: Any, send_time: float) -> Any:
        self._sent_before_sync = boot_time()
        return super()._process_join_group_response(response, send_time)

    def _process_sync_group_response(self, response: Any, send_time: float) -> Any:
        told = super()._process_sync_group_response(response, send_time)
        self._participant.answered(self._sent_before_sync, False)
        return told

    async def _send_heartbeat_request(self) -> None:
        at = boot_time()
        try:
            await super()._send_heartbeat_request()
        except errors.RebalanceInProgressError:
            self._participant.answered(at, True)
            raise
        self._participant.answered(at, False)
