"""Sourcelab's Java client, which is inside AKHQ, in a process of its own: what a line of JSON on standard input asks
for is done, and what the client returned is a line of JSON on standard output."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jpype

from ferryman.stack.runtime.artifacts import read_lock
from ferryman.stack.runtime.download import download
from ferryman.stack.runtime.java import java

_JARS = Path(__file__).with_name("jars.toml")
_PACKAGE = "org.sourcelab.kafka.connect.apiclient"
Asked = Mapping[str, Any]


def calls(client: Any) -> Mapping[str, Callable[[Asked], Any]]:
    """What the client does, by the words for it."""
    asks = jpype.JClass(f"{_PACKAGE}.request.dto.NewConnectorDefinition")
    tries = jpype.JClass(f"{_PACKAGE}.request.dto.ConnectorPluginConfigDefinition")
    again = jpype.JClass(f"{_PACKAGE}.request.post.PostConnectorRestart")

    def config(asked: Asked) -> Any:
        return jpype.JClass("java.util.LinkedHashMap")(jpype.JObject(dict(asked["config"]), "java.util.Map"))

    return {
        "root": lambda asked: client.getConnectServerVersion(),
        "list": lambda asked: client.getConnectors(),
        "expanded": lambda asked: client.getConnectorsWithAllExpandedMetadata(),
        "plugins": lambda asked: client.getConnectorPlugins(),
        "validate": lambda asked: client.validateConnectorPluginConfig(
            tries(asked["config"]["connector.class"].rpartition(".")[2], config(asked))
        ),
        "create": lambda asked: client.addConnector(asks(asked["name"], config(asked))),
        "get": lambda asked: client.getConnector(asked["name"]),
        "config": lambda asked: client.getConnectorConfig(asked["name"]),
        "status": lambda asked: client.getConnectorStatus(asked["name"]),
        "tasks": lambda asked: client.getConnectorTasks(asked["name"]),
        "task status": lambda asked: client.getConnectorTaskStatus(asked["name"], asked["task"]),
        "topics": lambda asked: client.getConnectorTopics(asked["name"]),
        "reset topics": lambda asked: client.resetConnectorTopics(asked["name"]),
        "update": lambda asked: client.updateConnectorConfig(asked["name"], config(asked)),
        "pause": lambda asked: client.pauseConnector(asked["name"]),
        "resume": lambda asked: client.resumeConnector(asked["name"]),
        "stop": lambda asked: client.stopConnector(asked["name"]),
        "restart": lambda asked: client.restartConnector(asked["name"]),
        "restart all": lambda asked: client.restartConnector(again(asked["name"]).withIncludeTasks(True)),
        "restart task": lambda asked: client.restartConnectorTask(asked["name"], asked["task"]),
        "delete": lambda asked: client.deleteConnector(asked["name"]),
    }


def main(url: str, scratch: str) -> None:
    """Until standard input ends."""
    jars = read_lock(_JARS)["sourcelab"]
    download(jars)
    executable, *options = java("128m", Path(scratch))
    library = Path(executable).parent.parent / "lib" / "server" / "libjvm.so"
    jpype.startJVM(
        str(library),
        *options,
        "--enable-native-access=ALL-UNNAMED",
        classpath=[str(each.path) for each in jars],
        convertStrings=True,
    )
    client = jpype.JClass(f"{_PACKAGE}.KafkaConnectClient")(jpype.JClass(f"{_PACKAGE}.Configuration")(url))
    mapper = jpype.JClass("com.fasterxml.jackson.databind.ObjectMapper")()
    done = calls(client)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            said = mapper.writeValueAsString(done[asked["do"]](asked))
        except jpype.JException as error:
            said = json.dumps({"error": f"{error.getClass().getSimpleName()}: {error.getMessage()}"})
        print(said, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
