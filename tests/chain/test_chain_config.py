"""The grammar of transforms and predicates in a connector's config."""

from ferryman.chain import chain_config
from ferryman.transforms.mask_field import MaskField
from ferryman.transforms.replace_field import ReplaceField

PREFIX = "org.apache.kafka.connect.transforms."


def test_steps_come_in_the_order_of_the_list_with_their_side_and_predicate() -> None:
    parsed = chain_config.parse(
        {
            "transforms": "b , a",
            "transforms.a.type": PREFIX + "ReplaceField$Key",
            "transforms.a.blacklist": "x",
            "transforms.a.predicate": "p",
            "transforms.a.negate": "true",
            "transforms.b.type": "MaskField$Value",
            "transforms.b.fields": "y",
            "predicates": "p",
            "predicates.p.type": PREFIX + "predicates.RecordIsTombstone",
        }
    )
    assert parsed.problems == []
    mask, drop = parsed.steps
    assert (mask.alias, type(mask.transform), mask.transform.side, mask.predicate) == ("b", MaskField, "value", None)
    assert (drop.alias, type(drop.transform), drop.transform.side, drop.negate) == ("a", ReplaceField, "key", True)
    assert drop.predicate is not None


def test_all_problems_come_at_once_and_each_names_its_key() -> None:
    parsed = chain_config.parse(
        {
            "transforms": "a,b,c,d",
            "transforms.b.type": "NoSuchThing$Value",
            "transforms.c.type": PREFIX + "MaskField$Value",
            "transforms.c.predicate": "nobody",
            "transforms.d.type": PREFIX + "TimestampConverter$Value",
            "transforms.d.target.type": "string",
            "transforms.d.negate": "true",
            "predicates": "p",
        }
    )
    assert {problem.key for problem in parsed.problems} == {
        "transforms.a.type",
        "transforms.b.type",
        "transforms.c.fields",
        "transforms.c.predicate",
        "transforms.d.format",
        "transforms.d.type",
        "predicates.p.type",
    }


def test_a_transform_without_its_side_is_told_which_two_there_are() -> None:
    name = PREFIX + "MaskField"
    parsed = chain_config.parse({"transforms": "a", "transforms.a.type": name})
    assert [problem.message for problem in parsed.problems] == [
        f"Invalid value {name} for configuration transforms.a.type: This class is abstract and cannot be created. "
        f"Did you mean {name}$Key, {name}$Value?"
    ]


def test_a_key_that_a_transform_does_not_know_is_a_warning_by_name() -> None:
    parsed = chain_config.parse(
        {
            "transforms": "a",
            "transforms.a.type": PREFIX + "MaskField$Value",
            "transforms.a.fields": "x",
            "transforms.a.q": "1",
        }
    )
    assert parsed.problems == []
    assert "transforms.a.q" in parsed.warnings[0]
