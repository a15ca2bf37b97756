"""All types agree, by mypy's strict rules. A test of its own, so that others run beside it."""

import subprocess
import sys

from tests.places import ROOT


def test_all_types_agree() -> None:
    command = [sys.executable, "-m", "mypy", "--no-error-summary"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
