"""Facts in Kafka: what a worker writes that leads, and that nothing is written by one which may lead no more."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ferryman.errors import RequestError
from ferryman.facts.config_records import ConnectorConfig, RestartRequest, TargetStateRecord, TasksCommit
from ferryman.facts.states import TargetState
from ferryman.internal_topics.kafka_log import KafkaLog
from ferryman.worker.distributed.journal import CONFLICT, Journal
from tests.internal_topics import logs


def told(kafka: str, unique: str, support: str, story: Callable[[Journal], Awaitable[None]]) -> None:
    async def run() -> None:
        worker = logs.distributed(kafka, unique, exactly_once_source_support=support)
        logs.make(kafka, worker.distributed.config_storage_topic)
        journal = Journal(worker)
        await journal.start()
        await asyncio.to_thread(journal.claim)
        try:
            await story(journal)
        finally:
            await asyncio.to_thread(journal.close)

    asyncio.run(run())


@pytest.mark.parametrize("support", ["disabled", "enabled"])
def test_a_worker_that_may_lead_no_more_writes_nothing_and_says_so(kafka: str, unique: str, support: str) -> None:
    async def story(journal: Journal) -> None:
        refusals: list[str] = []
        journal.when_refused = lambda: refusals.append("refused")
        await journal.write(ConnectorConfig("kept", {"name": "kept"}))
        journal.leads = lambda: False
        for records in (
            [ConnectorConfig("kept", None), TargetStateRecord("kept", None)],
            [ConnectorConfig("new", {"name": "new"})],
            [TasksCommit("kept", 0), TargetStateRecord("kept", TargetState.STOPPED)],
        ):
            with pytest.raises(RequestError) as refused:
                await journal.write(*records)
            assert (refused.value.status, str(refused.value)) == (409, CONFLICT)
        assert refusals == ["refused"] * 3
        journal.leads = lambda: True
        await journal.write(TargetStateRecord("kept", TargetState.PAUSED))
        assert journal.facts.names() == ["kept"]
        assert journal.facts.of("kept").target is TargetState.PAUSED

    told(kafka, unique, support, story)


def test_any_worker_writes_what_a_connector_is_wanted_to_be(kafka: str, unique: str) -> None:
    async def story(journal: Journal) -> None:
        await journal.write(ConnectorConfig("c", {"name": "c"}))
        journal.leads = lambda: False
        await journal.write(TargetStateRecord("c", TargetState.PAUSED))
        assert journal.facts.of("c").target is TargetState.PAUSED

    told(kafka, unique, "disabled", story)


def test_what_is_read_back_is_known_without_asking_where_the_topic_ends(
    kafka: str, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever creates a connector waits for one question to Kafka less."""
    questions: list[float] = []

    async def story(journal: Journal) -> None:
        monkeypatch.setattr(KafkaLog, "read_to_end", lambda log, within: questions.append(within))
        await journal.write(TargetStateRecord("c", TargetState.STOPPED), ConnectorConfig("c", {"name": "c"}))
        assert journal.facts.of("c").properties == {"name": "c"}
        await journal.write(RestartRequest("c", include_tasks=True, only_failed=False))
        await journal.write(ConnectorConfig("c", None), TargetStateRecord("c", None))
        assert journal.facts.names() == []

    told(kafka, unique, "disabled", story)
    assert questions == []
