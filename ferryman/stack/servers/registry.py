"""Apicurio Registry, which speaks the Confluent REST API; its schemas live in an H2 file and survive a kill."""

from ferryman.stack.runtime.artifacts import unpacked
from ferryman.stack.runtime.java import java
from ferryman.stack.runtime.ports import HOST, answers_http
from ferryman.stack.runtime.process import Launch
from ferryman.stack.runtime.service import Place, Service

_API = "/apis/ccompat/v7"


def _launch(place: Place) -> Launch:
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
    properties = [f"-D{key}={value}" for key, value in settings.items()]
    return Launch(java("384m", place.directory, *properties, "-jar", str(runner)))


REGISTRY = Service(
    name="registry",
    ports={"http": 8081, "management": 8082},
    address=lambda port: f"http://{HOST}:{port}{_API}",
    launch=_launch,
    answers=lambda port: answers_http(port, f"{_API}/subjects"),
    bundle="registry",
)
