"""Plugins of tests, installed as anybody's are."""

from collections.abc import Sequence
from pathlib import Path


def installed(
    directory: Path,
    module: str,
    code: str,
    *connectors: str,
    transforms: Sequence[str] = (),
    converters: Sequence[str] = (),
) -> Path:
    """Writes a module with classes of plugins, and the entry points that name them; the folder for PYTHONPATH."""
    home = directory / "plugins"
    about = home / f"{module}-1.0.dist-info"
    about.mkdir(parents=True, exist_ok=True)
    (home / f"{module}.py").write_text(code)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    points = "".join(
        f"[ferryman.{kind}]\n" + "".join(f"{name} = {module}:{name}\n" for name in names)
        for kind, names in (("connectors", connectors), ("transforms", transforms), ("converters", converters))
    )
    (about / "entry_points.txt").write_text(points)
    return home
