"""Reads Dockerfile and docker-compose.yml as their programs do, as far as tests ask."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from tests.places import ROOT


def compose() -> dict[str, Any]:
    """The compose file."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return found


def instructions() -> list[tuple[str, str]]:
    """Names and arguments of the Dockerfile's instructions, continued lines joined and comments left out."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#")).replace("\\\n", "")
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def final(name: str) -> str:
    """The argument of the last such instruction in the last stage."""
    stage: list[tuple[str, str]] = []
    for each in instructions():
        stage = [each] if each[0] == "FROM" else [*stage, each]
    return [rest for found, rest in stage if found == name][-1]


def entrypoint() -> list[str]:
    """The command of the image, before a container's own arguments."""
    found: list[str] = json.loads(final("ENTRYPOINT"))
    return found


def healthcheck() -> list[str]:
    """The command that says whether the container is well."""
    _, _, command = final("HEALTHCHECK").partition("CMD ")
    found: list[str] = json.loads(command)
    return found


def workers() -> dict[str, Mapping[str, Any]]:
    """The compose file's workers, by the names of their services."""
    return {name: service for name, service in compose()["services"].items() if name.startswith("ferryman")}


def ferryman() -> Mapping[str, Any]:
    """The one that creates the connectors."""
    (found,) = (service for service in workers().values() if "post_start" in service)
    return found


def creating() -> list[str]:
    """The command that creates the connectors, in the container of ``ferryman``."""
    (hook,) = ferryman()["post_start"]
    found: list[str] = hook["command"]
    return found


def backfill() -> list[str]:
    """What a container runs by the page's command for a backfill beside the compose file's workers."""
    page = (ROOT / "docs/containers.md").read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = (line for line in page.splitlines() if line.startswith("docker compose run"))
    words = line.split()
    service = next(at for at, word in enumerate(words) if word in workers())
    places = dict(mount.split(":")[1::-1] for mount in (words[words.index("--volume") + 1],))
    entrypoint = [words[words.index("--entrypoint") + 1]]
    found = [*entrypoint, *words[service + 1 :]]
    for inside, outside in places.items():
        found = [each.replace(inside, str((ROOT / outside).resolve())) for each in found]
    return mounted(found)


def mounted(arguments: Sequence[str]) -> list[str]:
    """Paths in the container, as paths on this machine: the image's worker file and what is mounted."""
    places = {"/etc/ferryman/worker.properties": str(ROOT / "configs/image.properties")}
    for mount in ferryman()["volumes"]:
        outside, inside, _ = mount.split(":")
        places[inside] = str((ROOT / outside).resolve())
    found = []
    for argument in arguments:
        inside = next((place for place in places if argument.startswith(place)), "")
        found.append(places.get(inside, "") + argument.removeprefix(inside))
    return found
