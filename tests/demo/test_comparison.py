"""What the ledger makes of the findings of `ferryman verify`: only the poison may be missing in the archive."""

from ferryman.demo.comparison import verified

POISON = ("payments", 1, 302)
GAP = (("gap", "payments", 1), 1)


def test_the_poison_is_a_gap_of_one_record() -> None:
    assert verified([GAP], POISON).clean
    assert verified([], None).clean


def test_a_larger_gap_another_one_or_anything_else_is_unclean() -> None:
    assert verified([(("gap", "payments", 1), 2)], POISON).corrupt == [GAP[0]]
    assert verified([GAP, (("gap", "payments", 0), 1)], POISON).phantom == [("gap", "payments", 0)]
    assert verified([GAP, (("damaged", "payments", 1), 50)], POISON).phantom == [("damaged", "payments", 1)]
    assert verified([GAP, GAP], POISON).doubled == [GAP[0]]


def test_poison_that_the_archive_has_is_unclean() -> None:
    assert verified([], POISON).lost == [GAP[0]]
