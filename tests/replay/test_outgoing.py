"""What of a letter goes to a topic, and how the letter is found at which plugins' code dies or stands still."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from ferryman.dead_letters.letter import DeadLetter, parsed
from ferryman.errors import DataError, RequestError, RetriableError
from ferryman.plugin_process.letter_converters import packed, unpacked
from ferryman.plugins.named import Row
from ferryman.record import Coordinates
from ferryman.replay import outgoing
from ferryman.replay.outgoing import Asked, AsTheyWere, Outgoing
from ferryman.settings.config_providers import Resolution
from tests.plugin_folder import installed
from tests.plugin_process.test_resending import CONFIG
from tests.reliability.test_source_dead_letters import PLUGIN, letters, numbers, over
from tests.replay.test_into_a_table import replay, shown
from tests.running import Worker, consume, create_topic, fresh, settings, until, worker

LATER = time.monotonic() + 3600
TRIED = ("__ferryman.errors.attempts", b"2")


def letter(offset: int = 3, value: bytes = b"v") -> DeadLetter:
    headers = [("own", b"1"), ("__connect.errors.topic", b"t"), ("__ferryman.errors.attempts", b"1")]
    return parsed(Coordinates("dlq", 0, offset), 11, b"k", value, headers)


class Answers:
    """A process of plugins' code, which edits values and never comes back from one of ``b"hang"``."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error or RequestError(500, "it runs the code of OddConverter")
        self.asked: list[int] = []

    def __call__(self, question: Mapping[str, Any], rows: Sequence[Row], within: float) -> Any:
        values = [unpacked(each["value"]) for each in question["letters"]]
        self.asked.append(len(values))
        if b"hang" in values:
            raise self.error
        made: list[list[Any]] = [["t", None, None, packed((value or b"") + b"!"), [], None] for value in values]
        return [{"made": [row]} for row in made]


def going(values: Sequence[bytes], answers: Answers, until: float = LATER) -> list[Any]:
    """What goes of letters with these values: a value, or what is wrong."""
    way = Asked(answers, "c", Resolution(CONFIG), {}, is_sink=True, edit=".")
    found = way.going([(letter(at, value), "t") for at, value in enumerate(values)], until)
    return [str(each) if isinstance(each, DataError) else [one.value for one in each] for each in found]


def test_a_sinks_record_goes_as_it_was_and_says_how_often_it_was_tried() -> None:
    one = AsTheyWere().going([(letter(), "t")], LATER)
    assert one == [[Outgoing("t", None, b"k", b"v", [("own", b"1"), TRIED], 11)]]
    way = Asked(Answers(), "c", Resolution(CONFIG), {}, is_sink=True, edit=".")
    assert way.going([(letter(), "t")], LATER) == [[Outgoing("t", None, b"k", b"v!", [("own", b"1"), TRIED], 11)]]


def test_the_letter_that_code_stands_still_at_is_refused_and_the_others_go(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers()
    values = [b"a", b"hang", b"b"]
    assert going(values, answers) == [[b"a!"], "it runs the code of OddConverter", [b"b!"]]
    assert answers.asked == [3, 1, 1, 1]
    monkeypatch.setattr(outgoing, "AT_ONCE", 2)
    answers = Answers()
    assert going([b"a", b"b", b"c"], answers) == [[b"a!"], [b"b!"], [b"c!"]]
    assert answers.asked == [2, 1]
    monkeypatch.setattr(outgoing, "BYTES", 1)
    answers = Answers()
    assert len(going([b"a", b"b"], answers)) == 2
    assert answers.asked == [1, 1]


def test_when_time_is_over_the_first_ones_are_told() -> None:
    assert going([b"a", b"b"], Answers(), until=time.monotonic()) == []


@pytest.mark.parametrize("error", [RequestError(503, "too many"), RetriableError("the registry is away")])
def test_what_is_no_letters_fault_is_raised(error: Exception) -> None:
    with pytest.raises(type(error)):
        going([b"hang"], Answers(error))


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Worker]:
    """A worker with a source of others on its path."""
    directory = tmp_path_factory.mktemp("numbers")
    home = installed(directory, "numbered", PLUGIN, "NumbersSource")
    with worker(directory, settings(kafka, fresh("replayed")), PYTHONPATH=str(home)) as one:
        yield one


def test_letters_of_a_source_go_to_their_topic_once_when_the_cause_is_mended(
    numbered: Worker, kafka: str, unique: str
) -> None:
    create_topic(kafka, unique)
    config = numbers(unique, 20, errors_deadletterqueue_context_headers_enable="true")
    config["errors.deadletterqueue.topic.name"] = f"{unique}-dlq"
    numbered.create(config)
    until(lambda: over(numbered, unique) == {"n": 20})
    assert len(letters(kafka, f"{unique}-dlq")) == 6
    (first, second) = [
        name for name, one in sorted(shown(numbered, unique).items()) if one["stage"] == "TRANSFORMATION"
    ]
    refused = replay(numbered, unique, 200, letters=[first], to_topic=True)
    assert (refused["letters"], refused["passed_over"], refused["complete"]) == (0, {"refused": 1}, True)
    assert f"dead letter {unique}-dlq-{first.replace('-', '@')} was not sent" in numbered.said

    plain = {name: value for name, value in config.items() if not name.startswith("transforms")}
    numbered.call("PUT", f"/connectors/{unique}/config", plain, expect=200)
    assert "to_topic" in replay(numbered, unique, 400, letters=[first])["message"]
    edited = numbered.call("GET", f"/connectors/{unique}/dead-letters/{first}?edit=.%2B%22!%22")["edited"]
    assert edited["decoded"] == "refuse 5!"
    assert replay(numbered, unique, 200, letters=[first], to_topic=True, edit='.+"!"')["letters"] == 1
    rest = replay(numbered, unique, 200, all=True, to_topic=True)
    assert (rest["letters"], rest["passed_over"]) == (1, {"incomplete": 4, "replayed": 1})
    sent = consume(kafka, unique)[14:]
    assert [json.loads(each.value() or b"") for each in sent] == ["refuse 5!", "refuse 15"]
    assert [each.headers() for each in sent] == [[("number", b"5")], [("number", b"15")]]
    assert [each.key() for each in sent] == [b"5", b"15"]
    assert shown(numbered, unique)[second]["replayed"]["topic"] == unique
    assert "sent to" in replay(numbered, unique, 409, letters=[second], to_topic=True)["message"]
