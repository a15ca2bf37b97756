"""Commands that ask a worker which speaks TLS."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ferryman.commands import main
from tests.rest.listening import AUTHORITY, https, listening


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


@contextmanager
def secured() -> Iterator[str]:
    """The address of a worker that requires a client's certificate."""
    given = {"listeners": "https://127.0.0.1:0"} | https(ssl_client_auth="required", ssl_truststore_location=AUTHORITY)
    with listening(given) as ((bound,), _):
        yield bound.url


@pytest.mark.parametrize(
    ("scheme", "options", "what"),
    [
        ("https", (), "give its authority's certificate with --ca"),
        ("https", ("--ca", AUTHORITY), "name one that the server trusts with --certificate and --key"),
        ("http", (), "https:// in place of http:// in --url"),
    ],
)
def test_a_worker_that_is_not_spoken_to_as_it_wants_is_said_with_the_option_to_change(
    scheme: str, options: tuple[str, ...], what: str
) -> None:
    with secured() as url:
        result = run("connectors", "list", "--url", url.replace("https", scheme), *options)
    assert (result.exit_code, what in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize("option", ["--ca", "--certificate"])
def test_a_certificate_that_is_not_there_is_named_by_its_option_and_its_file(option: str, tmp_path: Path) -> None:
    file = tmp_path / "nothing.pem"
    result = run("connectors", "list", "--url", "https://127.0.0.1:1", option, str(file))
    assert result.exit_code == 2
    assert f"{option}: {file} cannot be read: No such file or directory" in result.stderr
