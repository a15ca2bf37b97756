"""Lines of SHOW GRANTS as rights to tables."""

import pytest

from ferryman.connectors.sql.dialects.mysql.roles import Granted, rights_granted_by

ALL = {"CREATE", "ALTER", "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE TEMPORARY TABLES"}


@pytest.mark.parametrize(
    ("line", "rights", "schema", "table"),
    [
        ("GRANT SELECT, INSERT ON `shop`.`orders` TO `writers`", {"SELECT", "INSERT"}, "shop", "orders"),
        ("GRANT CREATE TEMPORARY TABLES ON `sh\\_p%`.* TO `w`", {"CREATE TEMPORARY TABLES"}, "sh\\_p%", None),
        ("GRANT ALL PRIVILEGES ON *.* TO `w`@`%` WITH GRANT OPTION", ALL, None, None),
        ("GRANT SELECT ON `a``b`.`c``d` TO `w`", {"SELECT"}, "a`b", "c`d"),
    ],
)
def test_a_line_tells_rights_and_what_to(line: str, rights: set[str], schema: str | None, table: str | None) -> None:
    assert rights_granted_by(line) == Granted(frozenset(rights), schema, table)


@pytest.mark.parametrize(
    "line",
    [
        "GRANT `writers` TO `me`@`%`",
        "GRANT SELECT (`id`), INSERT (`id`) ON `shop`.`orders` TO `w`",
        "GRANT EXECUTE ON PROCEDURE `shop`.`p` TO `w`",
        "SET DEFAULT ROLE `writers` FOR `me`@`%`",
    ],
)
def test_other_lines_tell_nothing_of_tables(line: str) -> None:
    assert rights_granted_by(line) is None
