"""Broken Avro and JSON: a value or a data error, never a crash, a hang or all of the memory."""

import random
import subprocess
import sys

import pytest

from tests.places import ROOT
from tests.reliability.scoreboard.plugin import Trials


@pytest.mark.timeout(3600)
@pytest.mark.scoreboard("R18 bytes")
def test_a_broken_message_is_a_value_or_a_data_error(trials: Trials) -> None:
    seed = random.SystemRandom().getrandbits(32)
    command = [sys.executable, "-m", "tests.reliability.hostile.broken_bytes", str(seed), str(trials.required)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    reached = int((done.stdout.split() or ["0"])[-1])
    assert done.returncode == 0, f"seed {seed}, after {reached}: ended with {done.returncode}\n{done.stderr[-4000:]}"
    trials.held(reached)
