"""What a process takes of its machine."""

import threading

from ferryman.telemetry.process_usage import LOOK_SECONDS, Usage
from tests.clock import Clock


def test_a_process_is_looked_at_when_it_is_asked_for_first_and_not_again_for_a_while() -> None:
    clock, over = Clock(), threading.Event()
    usage = Usage(clock.monotonic)
    before = usage.look().threads
    assert usage.memory > 0
    assert usage.cpu > 0
    another = threading.Thread(target=over.wait)
    another.start()
    try:
        clock.pass_(LOOK_SECONDS - 1)
        assert usage.look().threads == before
        clock.pass_(1)
        assert usage.look().threads == before + 1
    finally:
        over.set()
        another.join()
