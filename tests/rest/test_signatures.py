"""Signatures of requests between workers."""

import base64
import hashlib
import hmac

import pytest

from ferryman.errors import RequestError
from ferryman.rest import signatures
from ferryman.rest.signatures import ALGORITHM, SIGNATURE, Signature
from ferryman.worker.herder import Session
from tests.rest.served import SOURCE, Client, Memory, error, served

KEY = b"0123456789abcdef0123456789abcdef"
CONFIGS = b'[{"task.class": "T", "topic": "t"}]'


@pytest.fixture
def worker() -> tuple[Client, Memory]:
    """A worker whose group signs its requests, with a connector c."""
    client, herder = served()
    assert client.post("/connectors", json={"name": "c", "config": SOURCE}).status_code == 201
    herder.signed_by = Session(KEY, ["HmacSHA256", "HmacSHA512"])
    return client, herder


def test_a_signature_is_the_hmac_of_the_body() -> None:
    found = signatures.sign(KEY, CONFIGS, "HmacSHA256")
    assert found == {
        SIGNATURE: base64.b64encode(hmac.digest(KEY, CONFIGS, hashlib.sha256)).decode(),
        ALGORITHM: "HmacSHA256",
    }


@pytest.mark.parametrize("algorithm", signatures.DIGESTS)
def test_what_one_worker_signs_another_believes(algorithm: str) -> None:
    found = Signature.read(signatures.sign(KEY, CONFIGS, algorithm), CONFIGS)
    assert found is not None
    assert found.is_valid(KEY)
    assert not found.is_valid(KEY[:-1])
    altered = Signature.read(signatures.sign(KEY, CONFIGS, algorithm), CONFIGS + b" ")
    assert altered is not None
    assert not altered.is_valid(KEY)


@pytest.mark.parametrize("algorithm", ["HmacSHA256", "HmacSHA512"])
def test_task_configs_are_taken_over_from_another_worker(worker: tuple[Client, Memory], algorithm: str) -> None:
    client, herder = worker
    answer = client.post("/connectors/c/tasks", content=CONFIGS, headers=signatures.sign(KEY, CONFIGS, algorithm))
    assert (answer.status_code, answer.content) == (204, b"")
    assert herder.task_configs == {"c": [{"task.class": "T", "topic": "t"}]}


def test_it_is_said_of_which_config_they_are(worker: tuple[Client, Memory]) -> None:
    client, herder = worker
    signed = signatures.sign(KEY, CONFIGS, "HmacSHA256")
    assert client.post("/connectors/c/tasks?version=7", content=CONFIGS, headers=signed).status_code == 204
    assert herder.task_configs_of == {"c": 7}
    for wrong in ("", "x", "-1", "1.0", "9" * 40):
        assert client.post(f"/connectors/c/tasks?version={wrong}", content=CONFIGS, headers=signed).status_code == 400


def test_former_tasks_are_fenced_for_another_worker(worker: tuple[Client, Memory]) -> None:
    client, herder = worker
    answer = client.put("/connectors/c/fence", headers=signatures.sign(KEY, b"", "HmacSHA256"))
    assert (answer.status_code, answer.content, herder.fenced) == (204, b"", ["c"])


UNSUPPORTED = "This worker does not support the 'HmacSHA1' key signing algorithm used by other workers."


@pytest.mark.parametrize(
    ("headers", "status", "text"),
    [
        ({}, 400, "Internal request missing required signature"),
        ({SIGNATURE: "YQ=="}, 400, "Internal request missing required signature"),
        ({ALGORITHM: "HmacSHA256"}, 400, "Internal request missing required signature"),
        (signatures.sign(KEY, b"", "HmacSHA1"), 400, UNSUPPORTED),
        ({SIGNATURE: "YQ==", ALGORITHM: "Nope"}, 400, "Algorithm Nope not available"),
        ({SIGNATURE: "!!!", ALGORITHM: "HmacSHA256"}, 400, "Illegal base64"),
        (signatures.sign(KEY, b"another body", "HmacSHA256"), 403, "Internal request contained invalid signature."),
        (signatures.sign(b"another key", b"", "HmacSHA256"), 403, "Internal request contained invalid signature."),
    ],
)
def test_whoever_does_not_sign_rightly_is_refused(
    worker: tuple[Client, Memory], headers: dict[str, str], status: int, text: str
) -> None:
    client, herder = worker
    for method, path, content in (("PUT", "/connectors/c/fence", b""), ("POST", "/connectors/c/tasks", b"[]")):
        if content and status == 403:
            continue
        answer = client.request(method, path, content=content, headers=headers)
        assert answer.status_code == status
        assert answer.json()["message"].startswith(text)
    assert (herder.fenced, herder.task_configs) == ([], {})


def test_a_worker_that_does_not_know_the_key_yet_says_so(worker: tuple[Client, Memory]) -> None:
    client, herder = worker
    herder.signed_by = Session(None, ["HmacSHA256"])
    answer = client.put("/connectors/c/fence", headers=signatures.sign(KEY, b"", "HmacSHA256"))
    text = "This worker is still starting up and has not been able to read a session key from the config topic yet"
    assert (answer.status_code, answer.json()) == (503, error(503, text))


def test_a_group_that_does_not_sign_takes_requests_without(worker: tuple[Client, Memory]) -> None:
    client, herder = worker
    herder.signed_by = None
    assert client.put("/connectors/c/fence").status_code == 204


@pytest.mark.parametrize("content", ["", "{}", '"x"', "[1]", '[{"a": {}}]', "[", "null"])
def test_task_configs_of_another_shape_are_refused(worker: tuple[Client, Memory], content: str) -> None:
    client, herder = worker
    headers = signatures.sign(KEY, content.encode(), "HmacSHA256")
    assert client.post("/connectors/c/tasks", content=content, headers=headers).status_code == 400
    assert herder.task_configs == {}


def test_an_algorithm_that_is_not_known_cannot_be_signed_with() -> None:
    with pytest.raises(KeyError):
        signatures.sign(KEY, b"", "HmacMD2")
    with pytest.raises(RequestError, match="not available"):
        Signature.read({SIGNATURE: "YQ==", ALGORITHM: "HmacMD2"}, b"")


def test_a_key_is_not_shown() -> None:
    assert "0123" not in repr(Session(KEY, []))
