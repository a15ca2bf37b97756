"""E-mail under kills, outages, zombies and poison: nothing is lost, and each message that may be double is listed.

A mail server cannot be asked what it has; so after a kill at most max.in.flight messages are in doubt, no more.
"""

import json
import re
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from ferryman.stack import Stack
from ferryman.stack.servers.mailbox import Answer, Mailbox
from tests.reliability.flows import Config, committed, keys, tolerant
from tests.reliability.scoreboard.plugin import Trials
from tests.running import Worker, consume, create_topic, produce, send, settings, until, worker

RECORDS = 300
MOST = 8
POINTS = {"email.before_commit": 5, "email.after_commit": 5, "email.before_send": 30, "email.after_send": 30}
"""At which time the process is killed there: late enough to have sent messages."""
SINK = {"sink.before_commit": 5, "sink.after_commit": 5}
QUICK = {"consumer_session_timeout_ms": "1500", "consumer_heartbeat_interval_ms": "300"}


@pytest.fixture(scope="module")
def mail() -> Iterator[Stack]:
    """A mail server of this file's own: it is killed and told to misbehave."""
    with Stack(("mail",)) as stack:
        yield stack


@pytest.fixture
def mailbox(mail: Stack) -> Iterator[Mailbox]:
    """Its mailbox; the server's mood is good again afterwards."""
    mailbox = Mailbox(mail["mail"].directory)
    yield mailbox
    mailbox.answer()


def email_sink(name: str, mail: Stack, **more: str) -> Config:
    """An e-mail for each pledge of the topic of the connector's name."""
    host, _, port = mail.addresses["mail"].rpartition(":")
    return {
        "name": name,
        "connector.class": "EmailSink",
        "topics": name,
        "smtp.host": host,
        "smtp.port": port,
        "smtp.security": "none",
        "max.in.flight": str(MOST),
        "mail.from": "crowd@example.org",
        "mail.to": "{{ value.to }}",
        "mail.subject": f"{name} {{{{ value.id }}}}",
        "mail.text": "Thank you for pledge {{ value.id }}.",
        "errors.retry.delay.max.ms": "1000",
        **{key.replace("_", "."): value for key, value in more.items()},
    }


def pledges(first: int, last: int) -> list[bytes]:
    """Records ``first`` up to ``last``."""
    return [json.dumps({"id": number, "to": f"backer{number}@example.org"}).encode() for number in range(first, last)]


def copies(mailbox: Mailbox, topic: str) -> dict[int, list[str]]:
    """The Message-IDs of the messages of each pledge."""
    found: dict[int, list[str]] = {}
    for kept in mailbox.messages():
        name, _, number = str(kept.message["Subject"]).partition(" ")
        if name == topic:
            found.setdefault(int(number), []).append(kept.id)
    return found


def listed(*workers: Worker) -> set[str]:
    """The Message-IDs that the logs list as in doubt."""
    return {id for each in workers for id in re.findall(r"message (<\S+>) of record \S+ is in doubt", each.said)}


def check(mailbox: Mailbox, topic: str, expected: Sequence[int], workers: Sequence[Worker], deaths: int) -> None:
    """The ledger: all are there, each under one id of its own; doubles are listed, and few."""
    found = copies(mailbox, topic)
    assert sorted(found) == list(expected)
    assert all(len(set(ids)) == 1 for ids in found.values())
    assert len({ids[0] for ids in found.values()}) == len(found)
    doubles = {ids[0] for ids in found.values() if len(ids) > 1}
    assert doubles <= listed(*workers)
    assert len(listed(*workers)) <= deaths * MOST
    assert max(Counter(map(len, found.values()))) <= 1 + deaths


@pytest.mark.parametrize("point", [*POINTS, *SINK])
def test_after_a_kill_at_most_max_in_flight_messages_are_double(
    tmp_path: Path, kafka: str, mail: Stack, mailbox: Mailbox, unique: str, point: str, long: bool
) -> None:
    times = 5 if long else 1
    create_topic(kafka, unique, 3)
    when = (POINTS | SINK)[point]
    crash = {"FERRYMAN_CRASH_AT": f"{point}:{when}", "FERRYMAN_CRASH_LOG": f"{tmp_path}/deaths:{times}"}
    with worker(tmp_path, settings(kafka, unique), **crash) as running:
        running.create(email_sink(unique, mail))
        for start in range(0, RECORDS, 60):
            produce(kafka, unique, pledges(start, start + 60), keys(range(60)))
            until(lambda start=start: len(copies(mailbox, unique)) >= start, 90)  # type: ignore[misc]
        until(lambda: committed(running, unique) == RECORDS, 90)
        check(mailbox, unique, range(RECORDS), [running], times)
    assert len((tmp_path / "deaths").read_text().splitlines()) == times


@pytest.mark.parametrize("point", POINTS)
def test_with_skip_no_message_is_double_and_at_most_max_in_flight_are_missing(
    tmp_path: Path, kafka: str, mail: Stack, mailbox: Mailbox, unique: str, point: str
) -> None:
    create_topic(kafka, unique)
    crash = {"FERRYMAN_CRASH_AT": f"{point}:{POINTS[point]}", "FERRYMAN_CRASH_LOG": f"{tmp_path}/deaths:1"}
    with worker(tmp_path, settings(kafka, unique), **crash) as running:
        running.create(email_sink(unique, mail, behavior_on_in_doubt="skip"))
        produce(kafka, unique, pledges(0, 100))
        until(lambda: committed(running, unique) == 100, 90)
        found = copies(mailbox, unique)
        assert {len(ids) for ids in found.values()} == {1}
        assert 100 - len(found) <= len(listed(running)) <= MOST


@pytest.mark.timeout(1800)
@pytest.mark.scoreboard("R15 e-mail")
@pytest.mark.parametrize("doubt", ["resend", "skip"])
def test_a_message_that_was_kept_but_not_acknowledged_is_double_as_often_as_it_was_in_doubt(
    kafka: str, mail: Stack, mailbox: Mailbox, running: Worker, unique: str, doubt: str, trials: Trials
) -> None:
    count = trials.share(2)
    create_topic(kafka, unique)
    mailbox.answer(Answer("kept", "drop", times=1))
    running.create(email_sink(unique, mail, behavior_on_in_doubt=doubt))
    produce(kafka, unique, pledges(0, count))
    until(lambda: committed(running, unique) == count, 240)
    check(mailbox, unique, range(count), [running], count)
    found = copies(mailbox, unique)
    assert len(listed(running)) == count
    assert {len(ids) for ids in found.values()} == {2 if doubt == "resend" else 1}
    assert running.states(unique) == ["RUNNING", "RUNNING"]
    trials.held(count)


def test_a_worker_that_is_killed_goes_on_where_it_was(
    tmp_path: Path, kafka: str, mail: Stack, mailbox: Mailbox, unique: str
) -> None:
    create_topic(kafka, unique, 2)
    mailbox.answer(Answer("data", wait=0.02))
    with worker(tmp_path, settings(kafka, unique)) as running:
        running.create(email_sink(unique, mail))
        produce(kafka, unique, pledges(0, RECORDS), keys(range(RECORDS)))
        for kills in (1, 2):
            until(lambda kills=kills: len(copies(mailbox, unique)) >= 60 * kills, 60)  # type: ignore[misc]
            running.kill()
            running.start()
            running.create(email_sink(unique, mail))
        until(lambda: committed(running, unique) == RECORDS, 90)
        check(mailbox, unique, range(RECORDS), [running], 2)


def test_a_mail_server_that_is_away_is_waited_for_and_nothing_is_dead_lettered(
    kafka: str, mail: Stack, mailbox: Mailbox, running: Worker, unique: str, long: bool
) -> None:
    create_topic(kafka, unique, 2)
    queue = f"{unique}-dlq"
    running.create(email_sink(unique, mail) | tolerant(queue))
    produce(kafka, unique, pledges(0, 40), keys(range(40)))
    until(lambda: len(copies(mailbox, unique)) == 40, 60)
    mail["mail"].kill()
    produce(kafka, unique, pledges(40, 80), keys(range(40)))
    running.keeps_running(unique, 20.0 if long else 4.0)
    mailbox.answer(Answer("rcpt", "451 4.3.0 not yet"))
    mail["mail"].start()
    running.keeps_running(unique, 2.0)
    mail["mail"].pause()
    running.keeps_running(unique, 2.0)
    mailbox.answer()
    mail["mail"].resume()
    until(lambda: committed(running, unique) == 80, 90)
    check(mailbox, unique, range(80), [running], 1)
    assert consume(kafka, queue) == []


@pytest.mark.parametrize("membership", [{"consumer.override.group.instance.id": ""}, {}], ids=["dynamic", "static"])
def test_a_zombie_sends_at_most_what_it_had_announced(
    tmp_path: Path, kafka: str, mail: Stack, mailbox: Mailbox, unique: str, membership: Config
) -> None:
    create_topic(kafka, unique)
    config = email_sink(unique, mail) | membership
    chosen = settings(kafka, unique, **QUICK)
    mailbox.answer(Answer("data", wait=0.1))
    with ExitStack() as closing:
        first = closing.enter_context(worker(tmp_path, chosen))
        second = closing.enter_context(worker(tmp_path, chosen))
        first.create(config)
        produce(kafka, unique, pledges(0, 200))
        until(lambda: len(copies(mailbox, unique)) >= 20, 60)
        assert first.process is not None
        zombies = [first.process.pid, first.pids(unique)[-1]]
        for pid in zombies:
            send(pid, signal.SIGSTOP)
        try:
            second.create(config)
            until(lambda: len(copies(mailbox, unique)) == 200, 60, "the successor to send everything")
        finally:
            for pid in reversed(zombies):
                send(pid, signal.SIGCONT)
        produce(kafka, unique, pledges(200, 240))
        until(lambda: committed(second, unique) == 240, 60)
        check(mailbox, unique, range(240), [first, second], 1)


def test_poison_of_every_kind_is_dead_lettered_and_its_neighbours_arrive(
    kafka: str, mail: Stack, mailbox: Mailbox, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    queue = f"{unique}-dlq"
    mailbox.answer(Answer("rcpt", "550 5.1.1 no such user", address="nobody@example.org"))
    poison = {
        3: b"this is no JSON",
        4: b'{"id": 4}',
        5: b'{"id": 5, "to": "a@example.org, victim@example.org"}',
        6: b'{"id": 6, "to": "a@example.org\\r\\nBcc: victim@example.org"}',
        7: b'{"id": 7, "to": "nobody@example.org"}',
        8: None,
    }
    values = [poison.get(number, each) for number, each in enumerate(pledges(0, 12))]
    running.create(email_sink(unique, mail) | tolerant(queue))
    running.running(unique)
    produce(kafka, unique, values)
    until(lambda: committed(running, unique) == 12, 60)
    assert running.states(unique) == ["RUNNING", "RUNNING"]
    check(mailbox, unique, [0, 1, 2, 9, 10, 11], [running], 0)
    letters = consume(kafka, queue)
    assert Counter(letter.value() for letter in letters) == Counter(poison.values())
    told = {dict(letter.headers() or [])["__connect.errors.offset"]: dict(letter.headers() or []) for letter in letters}
    assert told[b"4"]["__connect.errors.exception.message"] == b"mail.to: there is no field 'to'"
    assert told[b"7"]["__connect.errors.stage"] == b"TASK_PUT"


def test_a_mailbox_that_is_put_off_holds_nobody_and_is_tried_again_though_nothing_arrives(
    tmp_path: Path, kafka: str, mail: Stack, mailbox: Mailbox, unique: str
) -> None:
    create_topic(kafka, unique)
    queue = f"{unique}-dlq"
    mailbox.answer(
        Answer("rcpt", "450 4.2.1 greylisted", address="backer3@example.org"),
        Answer("kept", "drop", address="backer5@example.org"),
    )
    with worker(tmp_path, settings(kafka, unique)) as running:
        running.create(email_sink(unique, mail) | tolerant(queue))
        produce(kafka, unique, pledges(0, 10))
        produce(kafka, unique, pledges(10, 20))
        until(lambda: sorted(copies(mailbox, unique)) == [0, 1, 2, *range(4, 20)], 60)
        until(lambda: len(consume(kafka, queue)) == 1, 60)
        running.kill()
        running.start()
        running.create(email_sink(unique, mail) | tolerant(queue))
        running.running(unique)
        mailbox.answer()
        until(lambda: committed(running, unique) == 20, 90)
        assert running.states(unique) == ["RUNNING", "RUNNING"]
    assert [json.loads(letter.value() or b"")["id"] for letter in consume(kafka, queue)] == [5]
    found = copies(mailbox, unique)
    assert {number: len(ids) for number, ids in found.items()} == {**dict.fromkeys(range(20), 1), 5: 4}
