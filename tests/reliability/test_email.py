"""E-mail under kills, outages, zombies and poison: nothing is lost, and each message that may be double is listed.

A mail server cannot be asked what it has; so after a kill at most max.in.flight messages are in doubt, no more.
"""

import email.policy
import json
import re
import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from ferryman.stack import Stack
from ferryman.stack.servers.mailbox import MESSAGES, Answer, Mailbox
from tests.reliability.flows import Config, committed, keys, tolerant
from tests.reliability.scoreboard.plugin import Trials
from tests.reliability.test_crash_points import Forgiving, deaths
from tests.running import Worker, consume, create_topic, produce, send, settings, until, worker

RECORDS = 300
WAVE, MOST_WAVES = 60, 100
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
    """The Message-IDs of the messages of each pledge. Each message is read once, however often this is asked."""
    files = sorted((mailbox.directory / MESSAGES).glob("*.eml"))
    for file in files:
        if file not in _READ:
            message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            _READ[file] = str(message["Subject"]), str(message["Message-ID"])
    found: dict[int, list[str]] = {}
    for subject, id in map(_READ.__getitem__, files):
        name, _, number = subject.partition(" ")
        if name == topic:
            found.setdefault(int(number), []).append(id)
    return found


_READ: dict[Path, tuple[str, str]] = {}
"""Subject and Message-ID of the messages that were read; a message does not change."""


def listings(text: str) -> Counter[str]:
    """How often a log lists each Message-ID as in doubt."""
    return Counter(re.findall(r"message (<\S+>) of record \S+ is in doubt", text))


def listed(*workers: Worker) -> Counter[str]:
    """How often the logs list each Message-ID as in doubt."""
    return sum((listings(each.said) for each in workers), Counter[str]())


def new_doubts(running: Worker) -> int:
    """How many messages that nobody was in doubt of before a session has listed, at most.

    A process has one session, unless its group sends it out. A session that dies before it has got to what an earlier
    one left in doubt leaves it to the next.
    """
    known, most = set[str](), 0
    for session in running.said.split(" assigned "):
        found = listings(session).keys()
        most, known = max(most, len(found - known)), known | found
    return most


def check(mailbox: Mailbox, topic: str, expected: Sequence[int], workers: Sequence[Worker], most: int = MOST) -> None:
    """The ledger: all are there, each under one id of its own, no more often than it was listed; and few are."""
    found, doubts = copies(mailbox, topic), listed(*workers)
    assert sorted(found) == list(expected)
    assert all(len(set(ids)) == 1 for ids in found.values())
    assert len({ids[0] for ids in found.values()}) == len(found)
    assert all(len(ids) <= 1 + doubts[ids[0]] for ids in found.values())
    assert max(map(new_doubts, workers)) <= most


def die(running: Worker, name: str, kafka: str, points: Mapping[str, int], log: Path) -> int:
    """Feeds the sink, which is killed at each point in turn, until it was. How many records it got.

    The next wave comes while the one before is committed, so that something is always on its way.
    """
    count, forgiving = 0, Forgiving(running, [name], log)
    while deaths(log) < len(points):
        assert count < MOST_WAVES * WAVE, log.read_text()
        produce(kafka, name, pledges(count, count + WAVE), keys(range(WAVE)))
        forgiving.until(lambda: committed(running, name) >= count, f"{count} to be committed")  # noqa: B023
        count += WAVE
    forgiving.until(lambda: committed(running, name) == count, f"{count} to be committed")
    assert [line.split()[0] for line in log.read_text().splitlines()] == list(points)
    return count


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("doubt", ["resend", "skip"])
def test_after_a_kill_at_most_max_in_flight_messages_are_double_or_with_skip_missing(
    tmp_path: Path, kafka: str, mail: Stack, mailbox: Mailbox, unique: str, doubt: str, long: bool
) -> None:
    points = POINTS | SINK
    for wave in range(5 if long else 1):
        name, log = f"{unique}-{wave}", tmp_path / f"{wave}-deaths"
        turns = ",".join(f"{point}:{times}" for point, times in points.items())
        crash = {"FERRYMAN_CRASH_AT": turns, "FERRYMAN_CRASH_LOG": f"{log}:{len(points)}"}
        create_topic(kafka, name, 3)
        with worker(tmp_path, settings(kafka, name), **crash) as running:
            running.create(email_sink(name, mail, behavior_on_in_doubt=doubt))
            count = die(running, name, kafka, points, log)
            if doubt == "resend":
                check(mailbox, name, range(count), [running])
                continue
            found = copies(mailbox, name)
            assert {len(ids) for ids in found.values()} == {1}
            assert count - len(found) <= len(listed(running))
            assert new_doubts(running) <= MOST


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
    check(mailbox, unique, range(count), [running], most=count)
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
        check(mailbox, unique, range(RECORDS), [running])


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
    check(mailbox, unique, range(80), [running])
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
        check(mailbox, unique, range(240), [first, second])


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
    check(mailbox, unique, [0, 1, 2, 9, 10, 11], [running], most=0)
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
