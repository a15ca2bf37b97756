"""The files by which one broker shows who it is and knows the others."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferryman.stack.security.private_files import write_private
from ferryman.stack.security.rights import BROKER
from ferryman.stack.security.secrets import Secrets


@dataclass(frozen=True, slots=True)
class Identity:
    """Lies in a broker's directory, readable for its owner only."""

    directory: Path

    @property
    def own(self) -> Path:
        """The file with the identity's key and certificate."""
        return self.directory / "broker.pem"

    @property
    def trusted(self) -> Path:
        """The certificate of the stack's authority."""
        return self.directory / "ca.pem"

    def write(self, secrets: Secrets) -> None:
        """A new key with each start, since the authority is one of this run."""
        write_private(self.own, secrets.authority.identity(BROKER))
        write_private(self.trusted, secrets.authority.pem)

    def client(self, address: str) -> dict[str, Any]:
        """The config of a client that comes as a broker, by librdkafka's names."""
        return {
            "bootstrap.servers": address,
            "security.protocol": "SSL",
            "ssl.ca.location": str(self.trusted),
            "ssl.certificate.location": str(self.own),
            "ssl.key.location": str(self.own),
            "log_level": 0,
        }
