"""Whether a member that was fenced has been replaced, or only met what was left of itself."""

from collections.abc import Collection

import pytest
from confluent_kafka import KafkaError, KafkaException

from ferryman.kafka import fenced_member
from tests.clock import Clock

Told = Collection[str] | None
"""The identities that are there; None where no broker answers."""


def asked(monkeypatch: pytest.MonkeyPatch, *told: Told, stops: bool = False) -> bool:
    """With the last answer for ever, and a session of two seconds."""
    clock, answers = Clock(), list(told)
    monkeypatch.setattr(fenced_member, "time", clock)

    def present() -> Collection[str]:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer is None:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        return answer

    def wait(seconds: float) -> bool:
        clock.pass_(seconds)
        return stops

    return fenced_member.is_taken("me", present, 2.0, wait)


def test_whoever_stays_for_a_session_has_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, ["you", "me"])


def test_what_is_left_of_the_member_itself_goes_with_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not asked(monkeypatch, ["you", "me"], ["you", "me"], ["you"])


def test_while_no_broker_answers_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not asked(monkeypatch, *[None] * 20, ["me"], [])
    assert asked(monkeypatch, *[None] * 20, ["me"])


def test_a_task_that_is_to_stop_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not asked(monkeypatch, ["me"], stops=True)
