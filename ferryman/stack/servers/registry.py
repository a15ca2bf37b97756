"""Apicurio Registry, which speaks the Confluent REST API; its schemas live in an H2 file and survive a kill."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from ferryman.stack.runtime.artifacts import unpacked
from ferryman.stack.runtime.java import java
from ferryman.stack.runtime.ports import HOST, answers_http
from ferryman.stack.runtime.process import Launch
from ferryman.stack.runtime.service import Place, Service
from ferryman.stack.security.private_files import write_private
from ferryman.stack.security.rights import REGISTRY_ROLES
from ferryman.stack.security.secrets import Secrets

_API = "/apis/ccompat/v7"


def _launch(place: Place, secrets: Secrets | None) -> Launch:
    home = unpacked(place.artifacts[0])
    runner = home / "quarkus-run.jar"
    # WRITE_DELAY=0: what was acknowledged has left the process, so that SIGKILL cannot take it back.
    database = f"jdbc:h2:file:{place.directory / 'schemas'};WRITE_DELAY=0;DB_CLOSE_ON_EXIT=FALSE"
    settings = {
        "quarkus.http.host": HOST,
        "quarkus.http.port": str(place.ports["http"]),
        # Its default is every interface.
        "quarkus.management.host": HOST,
        "quarkus.management.port": str(place.ports["management"]),
        "quarkus.log.level": "WARN",
        'quarkus.log.category."io.apicurio".level': "WARN",
        "quarkus.http.access-log.enabled": "false",
        "quarkus.banner.enabled": "false",
        "apicurio.storage.kind": "sql",
        "apicurio.storage.sql.kind": "h2",
        "apicurio.datasource.url": database,
    }
    if secrets is not None:
        settings["quarkus.config.locations"] = str(_users(place.directory, secrets))
    properties = [f"-D{key}={value}" for key, value in settings.items()]
    return Launch(java("384m", place.directory, *properties, "-jar", str(runner)))


def _users(directory: Path, secrets: Secrets) -> Path:
    """The file with those who may ask. A command line could be read by everybody."""
    lines = [
        "quarkus.http.auth.basic=true",
        "quarkus.http.auth.permission.all.paths=/*",
        "quarkus.http.auth.permission.all.policy=authenticated",
        "quarkus.security.users.embedded.plain-text=true",
        "apicurio.auth.role-based-authorization=true",
    ]
    for user, role in REGISTRY_ROLES.items():
        lines.append(f"quarkus.security.users.embedded.users.{user}={secrets.passwords[user]}")
        lines.append(f"quarkus.security.users.embedded.roles.{user}={role}")
    file = directory / "users.properties"
    write_private(file, "".join(f"{line}\n" for line in lines))
    return file


def _answers(_directory: Path, ports: Mapping[str, int]) -> bool:
    return answers_http(ports["http"], f"{_API}/subjects", refusals=(HTTPStatus.UNAUTHORIZED,))


def registry(secrets: Secrets | None = None) -> Service:
    """The service; with secrets it asks for a user and a password."""
    return Service(
        name="registry",
        ports={"http": 8081, "management": 8082},
        address=lambda port: f"http://{HOST}:{port}{_API}",
        launch=lambda place: _launch(place, secrets),
        answers=_answers,
        bundle="registry",
    )


REGISTRY = registry()
