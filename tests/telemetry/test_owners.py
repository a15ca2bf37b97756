"""Names stay readable, secrets stay hidden, and neither is remembered for longer than there is somebody to whom it
belongs."""

import threading

import pytest

from ferryman.settings.config_providers import Providers
from ferryman.telemetry import owners, redaction
from ferryman.telemetry.owners import Owner
from ferryman.telemetry.redaction import redact
from ferryman.telemetry.references import Found, References


def provided(value: str, key: str = "s3.bucket.name", reference: str = "${env:BUCKET}") -> None:
    References((Found(key, reference, value),)).protect()


def released(owner: Owner) -> None:
    """Until what he had is forgotten."""
    owner.release()
    for _ in range(owners.MOST_RELEASED):
        Owner().release()


def test_a_name_stays_readable_though_a_provider_gave_the_same_word_to_somebody_else() -> None:
    shop = Owner("shop-orders-a1")
    with Owner("other-a1").keeps():
        provided("shop-orders-a1")
    text = "connector shop-orders-a1: task shop-orders-a1-0 joins connect-shop-orders-a1"
    assert redact(text) == text
    released(shop)
    assert redact("shop-orders-a1 and shop-orders-a1-0") == "${env:BUCKET} and ${env:BUCKET}-0"


def test_a_name_that_a_provided_value_is_part_of_stays_readable_and_the_value_alone_does_not() -> None:
    Owner("payments-b2-eu")
    provided("payments-b2")
    assert redact("payments-b2-eu reads payments-b2") == "payments-b2-eu reads ${env:BUCKET}"


def test_what_another_config_says_in_plain_words_is_hidden_by_nothing_doubtful() -> None:
    owner = Owner("archive-c3")
    owner.says(redaction.plain_words({"topics": "ledger-c3-eu, ledger-c3-us", "s3.prefix": "ledger-c3"}))
    provided("ledger-c3")
    provided("ledger-c3-us")
    assert redact("ledger-c3 ledger-c3-us ledger-c3-eu") == "ledger-c3 ledger-c3-us ledger-c3-eu"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("connection.password", "canary-d4"),
        ("connection.url", "postgresql://u:canary-d4@h/db"),
        ("connection.url", "jdbc:x://h/db?password=canary-d4"),
        ("s3.bucket.name", "${env:canary-d4}"),
    ],
)
def test_a_secret_is_no_plain_word(key: str, value: str) -> None:
    assert not any("canary-d4" in word for word in redaction.plain_words({key: value}))


def test_a_secret_is_hidden_though_something_is_called_so() -> None:
    Owner("hunter-e5")
    redaction.protect_config({"connection.password": "hunter-e5"})
    provided("hunter-e6", "db.password", "${env:PW}")
    Owner("hunter-e6")
    assert redact("cannot log in with hunter-e5 or hunter-e6") == "cannot log in with [hidden] or ${env:PW}"


def test_a_longer_name_stays_readable_though_a_secret_is_part_of_it() -> None:
    Owner("test-f6-sink")
    redaction.protect("test-f6")
    assert redact("connector test-f6-sink: test-f6") == "connector test-f6-sink: [hidden]"


def test_what_a_config_says_in_plain_words_shows_no_secret_though_a_name_is_shaped_like_it() -> None:
    owner = Owner("a-canary-h8-sink")
    owner.says(redaction.plain_words({"topics": "b-canary-h8-logs"}))
    redaction.protect("canary-h8")
    assert redact("a-canary-h8-sink reads b-canary-h8-logs") == "a-canary-h8-sink reads b-[hidden]-logs"


def test_a_secret_that_holds_a_name_is_hidden_whole() -> None:
    Owner("name-g7")
    redaction.protect("name-g7-and-more")
    assert redact("name-g7-and-more of name-g7") == "[hidden] of name-g7"


def test_what_one_calls_a_secret_and_another_only_a_provided_value_is_a_secret() -> None:
    Owner("both-words-h8")
    provided("both-words-h8")
    assert redact("both-words-h8") == "both-words-h8"
    redaction.protect("both-words-h8")
    assert redact("both-words-h8") == "${env:BUCKET}"


def test_an_answer_may_repeat_what_was_asked() -> None:
    redaction.protect("guess-i9")
    assert redact("Connector guess-i9 not found", ("connectors", "guess-i9")) == "Connector guess-i9 not found"
    assert redact("guess-i9 of guess-i9-x", ("guess-i9-x",)) == "[hidden] of guess-i9-x"


def test_secrets_go_with_whoever_they_belong_to_but_not_while_lines_about_them_may_be_on_their_way() -> None:
    first, second = Owner(), Owner()
    for owner in (first, second):
        with owner.keeps():
            redaction.protect("canary-j1")
            redaction.protect_refusals("j1", "${env:J}")
    first.release()
    assert redact("canary-j1") == "[hidden]"
    released(first)
    assert redact("canary-j1") == "[hidden]", "the second one still has it"
    second.release()
    assert redact("canary-j1") == "[hidden]", "it has only just been released"
    released(second)
    refusal = "Invalid value j1 for configuration x.size: no"
    assert (redact("canary-j1"), redact(refusal)) == ("canary-j1", refusal)


def test_what_was_only_looked_at_is_forgotten_in_the_end() -> None:
    before = len(redaction._values)
    lookups = {("env", "", f"K{number}"): f"provided-k{number}" for number in range(3000)}
    providers = Providers({"env": lambda path, key: lookups[("env", path, key)]})
    for number in range(3000):
        with owners.passing():
            redaction.protect_config({"connection.password": f"canary-k{number}"})
            providers.resolve({"a": f"${{env:K{number}}}"})
    assert redact("canary-k2999 provided-k2999") == "[hidden] ${env:K2999}"
    assert len(redaction._values) - before <= owners.MOST_HELD


def test_one_config_with_more_secrets_than_are_kept_is_hidden_whole() -> None:
    with owners.passing():
        for number in range(owners.MOST_HELD + 10):
            redaction.protect(f"canary-l{number}l")
        assert redact("canary-l0l") == "[hidden]"
    assert redact("canary-l0l") == "[hidden]"


def test_what_nobody_has_is_kept_for_ever_and_passing_by_changes_nothing_about_it() -> None:
    redaction.protect("canary-m4")
    with owners.passing():
        redaction.protect("canary-m4")
    released(Owner())
    assert redact("canary-m4") == "[hidden]"


def test_owners_in_several_threads_do_not_get_in_each_others_way() -> None:
    owner, inside, go_on = Owner(), threading.Event(), threading.Event()

    def other() -> None:
        with owner.keeps():
            inside.set()
            go_on.wait()
            redaction.protect("canary-n5")

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait()
    with owner.keeps():
        go_on.set()
        thread.join()
    assert redact("canary-n5") == "[hidden]"
    released(owner)
    assert redact("canary-n5") == "canary-n5"
