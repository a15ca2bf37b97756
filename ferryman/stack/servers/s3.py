"""An S3 server: S3Proxy over a directory; buckets, objects and open multipart uploads survive a kill.

Unlike S3 it lists the file that it is writing, as ``<key>-<uuid>``, until that gets its name.
"""

from ferryman.stack.runtime.java import java
from ferryman.stack.runtime.ports import HOST, answers_http
from ferryman.stack.runtime.process import Launch
from ferryman.stack.runtime.service import Place, Service


def _launch(place: Place) -> Launch:
    data = place.directory / "data"
    data.mkdir(exist_ok=True)
    settings = {
        "s3proxy.endpoint": f"http://{HOST}:{place.ports['http']}",
        # It listens on the loopback only, and takes any credentials.
        "s3proxy.authorization": "none",
        "jclouds.provider": "filesystem-nio2",
        "jclouds.filesystem.basedir": str(data),
    }
    properties = place.directory / "s3proxy.properties"
    properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    jar = str(place.artifacts[0].path)
    return Launch(java("384m", place.directory, "-jar", jar, "--properties", str(properties)))


S3 = Service(
    name="s3",
    ports={"http": 9000},
    address=lambda port: f"http://{HOST}:{port}",
    launch=_launch,
    answers=lambda _directory, ports: answers_http(ports["http"], "/"),
    bundle="s3",
)
