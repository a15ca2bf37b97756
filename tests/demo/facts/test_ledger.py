"""Every defect that the demo's ledger exists for, planted, is found; sound systems are found to be sound."""

import random

import pytest

from ferryman.demo.facts.ledger import Found, Verdict, by_identity, compare, latest, percentile

SENT: list[Found] = [(("payments", f"pi_{number}"), ("succeeded", number)) for number in range(100)]
POISON: Found = (("payments", "poison"), b"not Avro")


def verdict_on(found: list[Found]) -> Verdict:
    shuffled = random.Random(7).sample(found, len(found))
    return compare("warehouse", by_identity(SENT), shuffled)


def defects(verdict: Verdict) -> dict[str, list[object]]:
    kinds = ("lost", "doubled", "corrupt", "phantom")
    return {kind: list(found) for kind in kinds if (found := getattr(verdict, kind))}


def test_everything_delivered_once_is_clean() -> None:
    verdict = verdict_on(SENT)
    assert verdict.clean
    assert (verdict.expected, verdict.found) == (100, 100)
    assert defects(verdict) == {}


def test_nothing_expected_and_nothing_found_is_clean() -> None:
    assert compare("warehouse", {}, []).clean


@pytest.mark.parametrize("position", [0, 50, 99])
def test_a_lost_record_is_found_first_middle_or_last(position: int) -> None:
    verdict = verdict_on(SENT[:position] + SENT[position + 1 :])
    assert not verdict.clean
    assert defects(verdict) == {"lost": [SENT[position][0]]}


def test_all_records_lost_are_found() -> None:
    verdict = verdict_on([])
    assert not verdict.clean
    assert len(verdict.lost) == 100


@pytest.mark.parametrize("position", [0, 50, 99])
def test_a_doubled_record_is_found(position: int) -> None:
    verdict = verdict_on([*SENT, SENT[position]])
    assert not verdict.clean
    assert defects(verdict) == {"doubled": [SENT[position][0]]}


def test_each_copy_too_many_counts() -> None:
    verdict = verdict_on(SENT + SENT[:1] * 3)
    assert defects(verdict) == {"doubled": [SENT[0][0]] * 3}


def test_one_lost_and_another_doubled_are_both_found_though_the_count_is_right() -> None:
    verdict = verdict_on([*SENT[1:], SENT[99]])
    assert verdict.found == verdict.expected
    assert not verdict.clean
    assert defects(verdict) == {"lost": [SENT[0][0]], "doubled": [SENT[99][0]]}


def test_a_record_with_another_content_is_found() -> None:
    identity = SENT[3][0]
    verdict = verdict_on([*SENT[:3], (identity, ("failed", 3)), *SENT[4:]])
    assert not verdict.clean
    assert defects(verdict) == {"corrupt": [identity]}


def test_two_records_with_each_others_contents_are_found() -> None:
    swapped = [(SENT[0][0], SENT[1][1]), (SENT[1][0], SENT[0][1]), *SENT[2:]]
    assert set(verdict_on(swapped).corrupt) == {SENT[0][0], SENT[1][0]}


def test_a_corrupt_copy_beside_a_sound_one_is_found() -> None:
    verdict = verdict_on([*SENT, (SENT[0][0], "something else")])
    assert defects(verdict) == {"doubled": [SENT[0][0]], "corrupt": [SENT[0][0]]}


def test_poison_delivered_is_found() -> None:
    verdict = verdict_on([*SENT, POISON])
    assert not verdict.clean
    assert defects(verdict) == {"phantom": [POISON[0]]}


def test_what_nobody_sent_counts_once_for_each_copy() -> None:
    assert defects(verdict_on([*SENT, POISON, POISON])) == {"phantom": [POISON[0]] * 2}


def test_a_record_that_nobody_sent_is_found_even_if_another_is_lost() -> None:
    verdict = verdict_on([*SENT[:-1], (("payments", "pi_100"), ("succeeded", 99))])
    assert verdict.found == verdict.expected
    assert defects(verdict) == {"lost": [SENT[-1][0]], "phantom": [("payments", "pi_100")]}


def test_a_record_in_the_wrong_topic_is_lost_here_and_a_phantom_there() -> None:
    moved = (("refunds", "pi_0"), SENT[0][1])
    assert defects(verdict_on([moved, *SENT[1:]])) == {"lost": [SENT[0][0]], "phantom": [moved[0]]}


DEAD: Found = (("payments", 0, 17), b"not Avro")


def dead(found: list[Found]) -> Verdict:
    return compare("dead letters", by_identity([DEAD]), found, at_least_once=True)


def test_a_dead_letter_where_it_belongs_is_clean() -> None:
    assert dead([DEAD]).clean


def test_a_dead_letter_written_twice_is_told_but_within_the_promise() -> None:
    verdict = dead([DEAD, DEAD])
    assert verdict.clean
    assert defects(verdict) == {"doubled": [DEAD[0]]}


def test_a_missing_dead_letter_is_found() -> None:
    assert defects(dead([])) == {"lost": [DEAD[0]]}
    assert not dead([]).clean


def test_an_unexpected_dead_letter_is_found() -> None:
    sound = (("payments", 0, 18), b"a sound record")
    assert defects(dead([DEAD, sound])) == {"phantom": [sound[0]]}
    assert not dead([DEAD, sound]).clean


def test_a_dead_letter_without_its_coordinates_is_found() -> None:
    assert not dead([DEAD, (None, b"not Avro")]).clean


def test_a_dead_letter_with_other_bytes_than_its_record_is_found() -> None:
    verdict = dead([(DEAD[0], b"not avro")])
    assert defects(verdict) == {"corrupt": [DEAD[0]]}
    assert not verdict.clean


def test_an_upsert_must_leave_the_last_state_of_each_key() -> None:
    sent: list[Found] = [("prj_1", 10), ("prj_2", 5), ("prj_1", 25)]
    assert compare("warehouse", latest(sent), [("prj_1", 25), ("prj_2", 5)]).clean
    assert defects(compare("warehouse", latest(sent), [("prj_1", 10), ("prj_2", 5)])) == {"corrupt": ["prj_1"]}


def test_a_truth_in_which_two_records_cannot_be_told_apart_is_refused() -> None:
    with pytest.raises(ValueError, match="1 of 101 records share their identity"):
        by_identity([*SENT, SENT[0]])


@pytest.mark.parametrize(("percent", "value"), [(0, 1.0), (1, 1.0), (50, 50.0), (99, 99.0), (100, 100.0)])
def test_percentiles_are_values_that_occurred(percent: float, value: float) -> None:
    assert percentile([float(number) for number in range(100, 0, -1)], percent) == value


def test_no_values_have_no_percentile() -> None:
    assert percentile([], 50) is None
