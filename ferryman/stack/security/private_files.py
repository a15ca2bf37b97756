"""Files that nobody but their owner reads."""

import os
from pathlib import Path


def write_private(file: Path, content: str | bytes) -> None:
    """Writes or replaces a file; from its first moment it is its owner's alone. Its folders are made likewise."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as opened:
        opened.write(content.encode() if isinstance(content, str) else content)
    fresh.replace(file)
