"""The model of the group coordinator, and a real broker, live through the same story."""

import asyncio
from typing import Any

import pytest
from kafka.net.compat import KafkaNetClient
from kafka.protocol.consumer import HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest
from kafka.protocol.metadata import CoordinatorType, FindCoordinatorRequest

from tests.worker.simulated_time import simulated
from tests.worker.simulation.coordinator import Coordinator, Joined, Synced
from tests.worker.simulation.coordinator_story import REBALANCE, SESSION, story

LOADING = (14, 15, 16)
"""The error codes of a coordinator that is not ready yet."""


class Modelled:
    """A member of the model."""

    def __init__(self, group: Coordinator) -> None:
        self._group = group

    async def join(self, member: str, declared: bytes) -> Joined:
        answer: asyncio.Future[Joined] = asyncio.get_running_loop().create_future()
        self._group.join(member, SESSION, REBALANCE, [("p", declared)], answer.set_result)
        return await answer

    async def sync(self, member: str, generation: int, told: dict[str, bytes]) -> Synced:
        answer: asyncio.Future[Synced] = asyncio.get_running_loop().create_future()
        self._group.sync(member, generation, told, answer.set_result)
        return await answer

    async def heartbeat(self, member: str, generation: int) -> int:
        return self._group.heartbeat(member, generation)

    async def leave(self, member: str) -> int:
        return self._group.leave(member)


class Real:
    """A member of a broker's group, by two connections as kafka-python's coordinator has them."""

    def __init__(self, kafka: str, group: str) -> None:
        self._group, self._coordinator = group, ""
        self._client = KafkaNetClient(bootstrap_servers=[kafka])
        self._client._net.start()

    async def begin(self) -> None:
        await asyncio.to_thread(self._client._net.run, self._client._manager.bootstrap_async, 60_000)
        request = FindCoordinatorRequest(key=self._group, key_type=0, coordinator_keys=[self._group])
        found = None
        while found is None or found.error_code:
            response = await self._asked(request, None)
            found = response.coordinators[0] if response.coordinators else response
        cluster = self._client._manager.cluster
        self._coordinator = cluster.add_coordinator(found, CoordinatorType.GROUP, self._group)

    async def _asked(self, request: Any, node: Any) -> Any:
        async def send() -> Any:
            return await self._client._manager.send(request, node_id=node)

        return await asyncio.to_thread(self._client._net.run, send)

    async def join(self, member: str, declared: bytes) -> Joined:
        request = JoinGroupRequest(
            group_id=self._group,
            session_timeout_ms=int(SESSION * 1000),
            rebalance_timeout_ms=int(REBALANCE * 1000),
            member_id=member,
            group_instance_id=None,
            protocol_type="connect",
            protocols=[("p", declared)],
            max_version=7,
        )
        found = await self._asked(request, self._coordinator)
        while found.error_code in LOADING:
            await asyncio.sleep(0.2)
            found = await self._asked(request, self._coordinator)
        members = tuple((str(each.member_id), bytes(each.metadata)) for each in found.members)
        return Joined(
            found.error_code, found.member_id, found.generation_id, found.protocol_name or "", found.leader, members
        )

    async def sync(self, member: str, generation: int, told: dict[str, bytes]) -> Synced:
        request = SyncGroupRequest(
            group_id=self._group,
            generation_id=generation,
            member_id=member,
            group_instance_id=None,
            protocol_type="connect",
            protocol_name="p",
            assignments=list(told.items()),
            max_version=5,
        )
        found = await self._asked(request, self._coordinator)
        return Synced(found.error_code, bytes(found.assignment or b""))

    async def heartbeat(self, member: str, generation: int) -> int:
        request = HeartbeatRequest(
            group_id=self._group, generation_id=generation, member_id=member, group_instance_id=None
        )
        found = await self._asked(request, int(self._coordinator.rpartition("-")[2]))
        return int(found.error_code)

    async def leave(self, member: str) -> int:
        identity = LeaveGroupRequest.MemberIdentity(member_id=member, group_instance_id=None, reason="")
        request = LeaveGroupRequest(group_id=self._group, member_id=member, members=[identity])
        found = await self._asked(request, self._coordinator)
        return int(found.error_code or next((each.error_code for each in found.members), 0))

    def close(self) -> None:
        self._client._net.run(self._client._manager.close)
        self._client._net.close()


def test_the_model_lives_through_it() -> None:
    async def told() -> None:
        group = Coordinator(asyncio.get_running_loop())
        await story(Modelled(group), Modelled(group))

    simulated(told())


@pytest.mark.timeout(300)
def test_a_broker_lives_through_it(kafka: str, unique: str) -> None:
    async def told() -> None:
        first, second = Real(kafka, unique), Real(kafka, unique)
        try:
            await first.begin()
            await second.begin()
            await story(first, second)
        finally:
            first.close()
            second.close()

    asyncio.run(told())
