"""Who may use the REST API, as the settings say it."""

from pathlib import Path

import pytest

from ferryman.settings import rest_access
from ferryman.settings.rest_access import Access

MODULE = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule"


def test_rules_name_users_tokens_and_files() -> None:
    found = Access.parse("basic:alice:won:der, token:canary-token-1, file:/etc/users.properties")
    assert found == Access((("alice", "won:der"),), ("canary-token-1",), ("/etc/users.properties",))
    assert set(found.secrets) == {"won:der", "canary-token-1"}
    assert "canary" not in repr(found)


@pytest.mark.parametrize(
    "text", ["", " ", "canary-2", "basic:canary-2", "basic::canary-2", "token:", "file:", "digest:canary-2"]
)
def test_other_rules_are_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match="basic:USER:PASSWORD, token:TOKEN or file:PATH") as caught:
        Access.parse(text)
    assert "canary" not in str(caught.value)


def test_the_login_configuration_leads_to_the_files_of_users(tmp_path: Path) -> None:
    (tmp_path / "users").write_text("alice=wonder\n")
    login = tmp_path / "jaas.conf"
    login.write_text(f'KafkaClient {{ x.Y required; }}; KafkaConnect {{ {MODULE} required file="{tmp_path}/users"; }};')
    assert rest_access.login_files(str(login)) == (f"{tmp_path}/users",)
    assert rest_access.credentials(f"{tmp_path}/users") == {"alice": "wonder"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f'Other {{ {MODULE} required file="FOLDER/users"; }};', "has no entry KafkaConnect"),
        ("KafkaConnect { };", "has no entry KafkaConnect"),
        ("KafkaConnect { com.example.Ldap required; };", "com.example.Ldap .* is Java code"),
        (f"KafkaConnect {{ {MODULE} required; }};", "lacks the option file"),
        (f'KafkaConnect {{ {MODULE} required file="FOLDER/none"; }};', "none cannot be read: No such file"),
        (f'KafkaConnect {{ {MODULE} required file="FOLDER/empty"; }};', "empty names no user"),
        ("KafkaConnect", "{ is expected in line 1"),
        (None, "cannot be read: No such file"),
    ],
)
def test_whatever_is_wrong_with_it_is_said(tmp_path: Path, text: str | None, reason: str) -> None:
    (tmp_path / "users").write_text("alice=wonder\n")
    (tmp_path / "empty").write_text("# nobody\n")
    if text is not None:
        (tmp_path / "jaas.conf").write_text(text.replace("FOLDER", str(tmp_path)))
    with pytest.raises(ValueError, match=reason):
        rest_access.login_files(f"{tmp_path}/jaas.conf")
