"""Room for the JVM's signal handler in the thread that runs tests.

Compiled Java code reads through null on purpose, and the JVM's handler of SIGSEGV goes on from there. pytest's
faulthandler has that handler run on a small stack, of which the processor's registers fill a part; a fault within the
handler would end the process without a word.
"""

import ctypes
import sys

_BYTES = 1 << 20


class _Stack(ctypes.Structure):
    """stack_t of sigaltstack(2) on Linux."""

    _fields_ = (("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


_room = ctypes.create_string_buffer(_BYTES)


def enlarge() -> None:
    """Has this thread's signal handlers run on a stack of a megabyte. OSError if the kernel refuses it."""
    if not sys.platform.startswith("linux"):
        return
    stack = _Stack(ctypes.addressof(_room), 0, _BYTES)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.sigaltstack(ctypes.byref(stack), None):
        raise OSError(ctypes.get_errno(), "sigaltstack")
