"""Letters shown and edited by a converter of others, which stands still, dies or takes all memory over some of them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.plugin_folder import installed
from tests.reliability.flows import file_sink
from tests.replay.test_into_a_table import replay, shown
from tests.running import WEB, Worker, alive, consume, create_topic, fresh, produce, settings, until, worker

PLUGIN = """
import os, time
from ferryman.config import Config, Str, key
from ferryman.conversion import Converter
from ferryman.data import Rows
from ferryman.errors import DataError

class OddConfig(Config):
    sign: Str = key("")

class OddConverter(Converter[OddConfig]):
    config_class = OddConfig

    def to_data(self, topic, payloads):
        if self.config.sign:
            with open(self.config.sign, "a") as sign:
                sign.write(f"{os.getpid()}\\n")
        for payload in payloads:
            match payload:
                case b"hang":
                    time.sleep(3600)
                case b"exit":
                    os._exit(3)
                case b"leak":
                    kept = []
                    while True: kept.append(b"x" * (1 << 24))
                case b"refuse":
                    raise DataError("it does not like this")
        return [Rows(None, [payload.decode() for payload in payloads])]

    def from_data(self, topic, data):
        return [value.encode() for value in data.rows().values]
"""
ODD = [b"fine", b"refuse", b"exit", b"leak", b"hang"]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Worker]:
    """A worker with the converter on its path."""
    directory = tmp_path_factory.mktemp("odd")
    home = installed(directory, "odd", PLUGIN, converters=["OddConverter"])
    with worker(directory, settings(kafka, fresh("odd")), PYTHONPATH=str(home)) as one:
        yield one


def test_a_letter_is_shown_whatever_a_converter_does_with_it_and_the_worker_answers_meanwhile(
    odd: Worker, kafka: str, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    create_topic(kafka, f"{unique}-dlq")
    produce(kafka, f"{unique}-dlq", ODD, headers=[("__connect.errors.topic", unique.encode())])
    sign = tmp_path / "sign"
    letters = {"errors.tolerance": "all", "errors.deadletterqueue.topic.name": f"{unique}-dlq"}
    config = file_sink(unique, tmp_path / "out.txt", topics=unique) | letters
    odd.create(config | {"value.converter": "OddConverter", "value.converter.sign": str(sign)})
    assert odd.process is not None
    before = odd.process.pid

    def show(offset: int) -> Any:
        return odd.call("GET", f"/connectors/{unique}/dead-letters/0-{offset}?edit=.%2B%22!%22", expect=200)

    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(show, offset) for offset in (4, 3, 2, 1, 0)]
        until(lambda: len(sign.read_text().split()) > 2 if sign.exists() else False, what="the converter to be asked")
        for path in ("health", "connectors?expand=status", f"connectors/{unique}/dead-letters"):
            assert WEB.get(f"{odd.url}/{path}").status_code == 200
        hangs, leaks, exits, refuses, fine = [each.result() for each in asked]
    assert (fine["value"]["decoded"], fine["edited"]["decoded"], fine["edited"]["text"]) == ("fine", "fine!", "fine!")
    assert refuses["value"]["undecoded"] == "DataError: it does not like this"
    assert "OddConverter ended without an error, with exit code 3" in exits["value"]["undecoded"]
    assert "OddConverter took " in leaks["edited"]["refused"]
    assert "It runs the code of OddConverter." in hangs["value"]["undecoded"]
    assert [each["value"]["text"].encode() for each in (fine, refuses, exits, leaks, hangs)] == ODD
    until(lambda: not any(alive(int(pid)) for pid in sign.read_text().split()), what="its processes to be gone")
    assert (odd.process.pid, odd.process.poll()) == (before, None)


def test_a_letter_that_kills_its_converter_is_passed_over_on_the_way_to_its_topic(
    odd: Worker, kafka: str, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    create_topic(kafka, f"{unique}-dlq")
    home = [("__connect.errors.topic", unique.encode())]
    produce(kafka, f"{unique}-dlq", [b"fine", b"exit", b"refuse", b"well"], headers=home)
    letters = {"errors.tolerance": "all", "errors.deadletterqueue.topic.name": f"{unique}-dlq"}
    config = file_sink(unique, tmp_path / "out.txt", topics=f"{unique}-elsewhere") | letters
    odd.create(config | {"value.converter": "OddConverter"})
    told = replay(odd, unique, 200, all=True, to_topic=True, edit='.+"!"')
    assert (told["letters"], told["passed_over"], told["complete"]) == (2, {"refused": 2}, True)
    assert [each.value() for each in consume(kafka, unique)] == [b"fine!", b"well!"]
    assert "0-1 was not sent: The worker was sending" in odd.said.replace("@", "-")
    assert sorted(name for name, each in shown(odd, unique).items() if each["replayed"]) == ["0-0", "0-3"]
