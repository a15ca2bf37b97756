"""A private key as a file, for OpenSSL, which takes keys from nowhere else."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def key_file(text: str) -> Iterator[str]:
    """The path of a file with a text, which only this process may read, in memory where the system can do that."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("key")
        try:
            os.write(descriptor, text.encode())
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        with tempfile.NamedTemporaryFile() as file:
            file.write(text.encode())
            file.flush()
            yield file.name
