"""In which order the objects of a commit appear: those of one destination in theirs, others at once, a witness last."""

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ferryman.connectors.s3.commit.manifest import Completion, Entry


@dataclass
class Bucket:
    """Completes an upload when one of another destination is being completed too, as far as two destinations have any
    left."""

    together: threading.Barrier
    rounds: int
    lock: threading.Lock = field(default_factory=threading.Lock)
    done: list[str] = field(default_factory=list)
    at_once: Counter[str] = field(default_factory=Counter)
    overlaps: list[str] = field(default_factory=list)

    def complete(self, key: str, upload: str, etags: Sequence[str]) -> None:
        folder, number = key.rsplit("/", 1)
        with self.lock:
            self.at_once[folder] += 1
            if self.at_once[folder] > 1:
                self.overlaps.append(key)
        if int(number) < self.rounds:
            self.together.wait(60)
        with self.lock:
            self.at_once[folder] -= 1
            self.done.append(key)


def entry(folder: str, number: int) -> Entry:
    return Entry(f"{folder}/{number}", "u", "n", (), "t", folder, "")


def test_objects_of_one_destination_appear_in_their_order_and_others_meanwhile() -> None:
    bucket: Any = Bucket(threading.Barrier(2), rounds=3)
    entries = [entry(folder, number) for folder in ("a", "b") for number in range(3)]
    with ThreadPoolExecutor(4) as pool:
        assert Completion(bucket, pool, lambda _: None).finish([*entries, entry("a", 3)]) == []
    assert bucket.overlaps == []
    for folder in ("a", "b"):
        in_folder = [key for key in bucket.done if key.startswith(folder)]
        assert in_folder == sorted(in_folder)
    assert bucket.done[-1] == "a/3"
