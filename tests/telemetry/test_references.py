"""What a reference resolved to is written nowhere: the reference is."""

import pytest

from ferryman.errors import ConfigError
from ferryman.settings.config_providers import Providers
from ferryman.telemetry import redaction
from ferryman.telemetry.references import Found, References


def test_a_long_value_is_in_no_text_whatever_its_key_and_in_no_case_of_letters() -> None:
    References((Found("topics", "${env:T}", "Eight-Letters-1"),)).protect()
    assert redaction.redact("Eight-Letters-1, eight-letters-1, EIGHT-LETTERS-1") == "${env:T}, ${env:T}, ${env:T}"


def test_a_short_value_is_in_no_text_if_its_key_or_its_own_name_is_a_passwords() -> None:
    References((Found("db.password", "${env:A}", "ab1cd"), Found("x", "${file:/s:pw}", "ef2gh"))).protect()
    References((Found("batch.size", "${env:B}", "ij3kl"),)).protect()
    assert redaction.redact("ab1cd ef2gh ij3kl") == "${env:A} ${file:/s:pw} ij3kl"


@pytest.mark.parametrize("value", ["7", "many", "ab,cd", "x y", 'q"t', "0xAB"])
def test_no_value_however_short_is_in_an_error_about_its_own_key(value: str) -> None:
    references = References((Found("batch.size", "${env:B}", value),))
    problem = f"Invalid value {value} for configuration batch.size: Not a number of type INT"
    assert references.restored(problem, "batch.size") == problem.replace(value, "${env:B}")


def test_no_refusal_of_a_value_shows_it_even_where_nobody_puts_references_back() -> None:
    References((Found("value.converter.cache.size", "${env:C}", "z9"),)).protect()
    text = redaction.redact("Invalid value z9 for configuration cache.size: Not a number of type INT; z9")
    assert text == "Invalid value ${env:C} for configuration cache.size: Not a number of type INT; z9"


def test_parts_of_a_value_that_an_error_quotes_are_hidden() -> None:
    references = References((Found("connection.url", "${env:U}", "orakle://user:secret@somewhere/x"),))
    text = references.restored("orakle is not supported: somewhere", "connection.url")
    assert text == "[hidden] is not supported: [hidden]"


def test_an_error_that_is_raised_shows_references_and_not_where_it_comes_from() -> None:
    references = References((Found("a", "${env:A}", "five5"),))
    with pytest.raises(ConfigError, match="a is no number") as refusal, references.in_errors():
        raise ConfigError.for_key("a", "five5: a is no number")
    assert str(refusal.value) == "${env:A}: a is no number"
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__


def test_task_configs_hold_references_where_a_plugin_put_values() -> None:
    references = References((Found("a", "${env:A}", "one"),))
    assert references.unresolved({"x": "one", "y": "one two"}) == {"x": "${env:A}", "y": "one two"}
    of_a_file = References((Found("a", "${directory:d:a}", "one\n"), Found("b", "${directory:d:b}", " \n")))
    assert of_a_file.unresolved({"x": "one", "y": "one\n", "z": ""}) == dict.fromkeys("xy", "${directory:d:a}") | {
        "z": ""
    }


def test_references_survive_the_way_to_a_tasks_process_and_are_not_printed() -> None:
    references = References((Found("a", "${env:A}", "value-of-a"),))
    assert References.parse(references.rows()) == references
    assert "value-of-a" not in repr(references)
    assert "value-of-a" not in repr(references.found[0])


def test_a_value_that_the_config_also_says_in_plain_words_hides_no_names() -> None:
    raw = {"topics": "shop-orders", "s3.bucket.name": "${env:BUCKET}", "s3.prefix": "${env:PREFIX}"}
    given = {("env", "", "BUCKET"): "shop-orders", ("env", "", "PREFIX"): "elsewhere-1"}
    providers = Providers({"env": lambda path, key: given[("env", path, key)]})
    found = {each.reference: each.secret for each in providers.resolve(raw).references.found}
    assert found == {"${env:BUCKET}": False, "${env:PREFIX}": True}


def test_a_password_is_hidden_though_the_config_says_it_in_plain_words() -> None:
    assert Found("db.password", "${env:P}", "shop-orders", plain=True).secret


def test_what_was_put_in_place_of_a_value_is_not_replaced_again() -> None:
    References((Found("a", "${env:NESTED_VALUE_1_NAME}", "nested_value_1"),)).protect()
    once = redaction.redact("the value nested_value_1 of task nested_value_1-0")
    assert once == "the value ${env:NESTED_VALUE_1_NAME} of task ${env:NESTED_VALUE_1_NAME}-0"
    assert redaction.redact(once) == once


def test_a_value_in_braces_that_are_no_reference_is_hidden() -> None:
    References((Found("a", "${env:BRACES}", "in-braces-77"),)).protect()
    assert redaction.redact("${in-braces-77}") == "${${env:BRACES}}"


def test_plain_or_not_goes_through_the_pipe() -> None:
    references = References((Found("a", "${env:A}", "x", plain=True), Found("b", "${env:B}", "y")))
    assert References.parse(references.rows()) == references


@pytest.mark.parametrize("said", ["q7", "[a, q7]"])
def test_a_value_that_is_said_to_be_invalid_is_hidden_by_whatever_name_its_key_is_called(said: str) -> None:
    given = References((Found("use.latest", "${file:s:k}", "q7"),))
    text = f"Invalid value {said} for configuration use.latest.version: Expected true or false"
    assert given.restored(text, "use.latest.version") == text.replace("q7", "${file:s:k}")
    assert given.restored("q7 is no invalid value", "use.latest.version") == "q7 is no invalid value"


@pytest.mark.parametrize("empty", ["", " "])
def test_what_is_empty_in_one_config_is_not_told_by_the_reference_of_another(empty: str) -> None:
    redaction.protect_refusals(empty, "${env:EMPTY}")
    said = "Invalid value  for configuration name: String may not be empty"
    assert redaction.redact(said) == said
