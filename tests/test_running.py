"""What the tests find out about processes."""

import os
import subprocess
import sys
import threading

import pytest

from tests.running import alive, until


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads have numbers of their own there")
def test_neither_a_thread_nor_one_that_has_ended_is_a_process_that_lives() -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        assert thread.native_id is not None
        assert (alive(os.getpid()), alive(thread.native_id)) == (True, False)
    finally:
        over.set()
        thread.join()
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        until(lambda: not alive(ended.pid))
        assert ended.returncode is None
