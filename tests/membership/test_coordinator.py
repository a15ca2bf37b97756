"""How a member looks for the coordinator of its group."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from kafka.coordinator.base import BaseCoordinator
from kafka.net.compat import KafkaNetClient

from ferryman.membership import coordinator
from ferryman.membership.coordinator import ConnectCoordinator
from ferryman.membership.group_settings import GroupSettings

SETTINGS = GroupSettings("g", "http://me/", "sessioned", 6000, 200, 60_000, 1000, 3000, 500, {"retry_backoff_ms": 100})


def test_brokers_that_go_on_naming_a_coordinator_that_has_died_are_not_asked_again_without_a_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, asked = [1000.0], list[float]()

    async def sleep(seconds: float) -> None:
        now[0] += seconds

    async def ask(_self: object) -> None:
        asked.append(now[0])
        now[0] += 0.03

    monkeypatch.setattr(coordinator, "boot_time", lambda: now[0])
    monkeypatch.setattr(BaseCoordinator, "_send_group_coordinator_request", ask)
    nobody: Any = None
    member = ConnectCoordinator(KafkaNetClient(bootstrap_servers="127.0.0.1:1"), SETTINGS, nobody)
    member._net = SimpleNamespace(sleep=sleep)
    for _ in range(3):
        asyncio.run(member._send_group_coordinator_request())
    assert asked == pytest.approx([1000.0, 1000.1, 1000.2])
    now[0] += 3600
    asyncio.run(member._send_group_coordinator_request())
    assert asked[3:] == [now[0] - 0.03]


def test_a_coordinator_that_was_found_again_gets_a_heartbeat_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(found: BaseCoordinator) -> None:
        found.heartbeat.reset_timeouts()

    monkeypatch.setattr(BaseCoordinator, "_send_group_coordinator_request", ask)
    nobody: Any = None
    slow = replace(SETTINGS, session_timeout=90_000, heartbeat_interval=30_000)
    member = ConnectCoordinator(KafkaNetClient(bootstrap_servers="127.0.0.1:1"), slow, nobody)
    asyncio.run(member._send_group_coordinator_request())
    assert member.heartbeat.time_to_next_heartbeat() <= 0.1
