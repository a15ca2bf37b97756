"""Writes a lock file anew: resolves the `roots` of each bundle with all that they need and pins every file.

For maintainers, after changing a version: `python -m ferryman.stack.runtime.lock [FILE]`.
"""

import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ferryman.stack.runtime.artifacts import LOCK_FILE, hash_of, members, tree_of
from ferryman.stack.runtime.maven import context


def resolve(maven: Any, roots: Iterable[str]) -> list[Any]:
    """jgo's artifacts: group:artifact:version brings its dependencies along; [:classifier]:packaging stands alone."""
    projects, found = [], []
    for root in roots:
        group, name, version, *rest = root.split(":")
        if rest:
            component = maven.project(group, name).at_version(version)
            found.append(component.artifact("".join(rest[:-1]), rest[-1]))
        else:
            projects.append(maven.create_dependency(root))
    if projects:
        inputs, transitive = maven.resolver.resolve(projects)
        found += [dependency.artifact for dependency in (*inputs, *transitive)]
    return found


def _line(artifact: Any) -> str:
    file = artifact.resolve()
    parts = [artifact.groupId, artifact.artifactId, artifact.version, artifact.classifier, artifact.packaging]
    coordinate = ":".join(part for part in parts if part)
    tree = f', tree = "{tree_of(members(file))}"' if artifact.packaging == "tar.gz" else ""
    return f'"{coordinate}" = {{ sha256 = "{hash_of(file)}", size = {file.stat().st_size}{tree} }}'


def lock(file: Path) -> None:
    """Rewrite `file`, keeping the comment at its head and each bundle's roots."""
    text = file.read_text()
    head = [line for line in text.splitlines() if line.startswith("#")]
    with tempfile.TemporaryDirectory() as cache:
        maven = context(Path(cache), lambda _size: None)
        for bundle, table in tomllib.loads(text).items():
            roots = ",\n".join(f'  "{root}"' for root in table["roots"])
            lines = sorted({_line(artifact) for artifact in resolve(maven, table["roots"])})
            head += ["", f"[{bundle}]", f"roots = [\n{roots},\n]", "", f"[{bundle}.files]", *lines]
    file.write_text("\n".join(head) + "\n")


if __name__ == "__main__":
    lock(Path(sys.argv[1]) if len(sys.argv) > 1 else LOCK_FILE)
