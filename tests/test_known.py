"""A process that was seen once is told apart from whoever has its number now."""

import subprocess
import sys

from tests.process_identity import Known

WITH_A_THREAD = """
import threading
thread = threading.Thread(target=input)
thread.start()
print(thread.native_id, flush=True)
"""


def test_nobody_is_killed_for_one_whose_number_he_has_got() -> None:
    command = [sys.executable, "-c", WITH_A_THREAD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        now = Known.of(process.pid)
        for number in (process.pid, int(process.stdout.readline())):
            gone = Known(number, "1")  # it began when the machine did
            assert not gone.lives
            gone.kill()
        assert now.lives
        now.kill()
        assert process.wait(60) == -9
    assert not now.lives
    assert not Known.of(process.pid).lives
