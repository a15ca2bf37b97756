"""Templates: whatever is written into one and whatever a record brings, rendering takes little time and memory."""

from decimal import Decimal
from typing import Any

import pytest

from ferryman.connectors.email.mail import sandbox
from ferryman.connectors.email.mail.templates import entries, pattern
from ferryman.errors import DataError

FACTS: dict[str, Any] = {
    "value": {"a": "x", "big": "a" * 1_000_000, "list": list(range(1000)), "huge": Decimal("1e9999999"), "n": 5},
    "key": None,
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "MOST_CPU_SECONDS", 0.3)


@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ value.a ~ value.n ~ key }}", "x5None"),
        ("{% for i in [1, 2] %}{{ loop.index }}{{ i }},{% endfor %}", "11,22,"),
        ("{% for i in range(3) if i != 1 %}{{ i }}{% else %}none{% endfor %}", "02"),
        ("{{ value.a.upper()|center(5) }}", "  X  "),
        ("{{ '%05.2f' % 1.5 }} {{ '%s-%03d'|format('a', 3) }} {{ '%% 12345' % () }}", "01.50 a-003 % 12345"),
        ("{{ '{:>5}'.format(value.a) }} {{ 'no. 123456: {}'.format(1) }}", "    x no. 123456: 1"),
        ("{{ ['a', 'b']|join('; ') }} {{ '-'.join(['a', 'b']) }}", "a; b a-b"),
        ("{{ 'x' in value.a }} {{ 'y' not in value.a }} {{ 1 < 2 < 3 }}", "True True True"),
        ("{% macro m(x) %}({{ x }}){% endmacro %}{{ m(1) }}", "(1)"),
        ("{% macro m(x) %}{{ x }}{{ caller() }}{% endmacro %}{% call m(2) %}!{% endcall %}", "2!"),
        ("{{ value.n ** 3 }} {{ value.n|round(2) }} {{ value.list|sum }}", "125 5 499500"),
        ("{% set x = 'a' %}{% set y %}b{{ x }}{% endset %}{{ y }}", "ba"),
        ("{{ value.list|map('string')|list|count }} {{ [3, 1]|sort|first }}", "1000 1"),
        ("{{ missing|default('z') }}", "z"),
    ],
)
def test_what_people_write_is_rendered_as_by_jinja(template: str, text: str, html: bool) -> None:
    assert pattern("mail.text", template, html).render(FACTS) == text


def doubling(statement: str) -> str:
    return "{% set x = 'aaaaaaaaaa' %}" + statement * 60 + "{{ x }}"


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{{ ('a' * 9000000)|length }}{% endfor %}",
        "{% for a in range(99999) %}{% if value.big in [value.big] %}{% endif %}{% endfor %}",
        "{% for i in range(99999) recursive %}{{ loop(range(99999)) }}{% endfor %}",
        "{% macro f(n) %}{{ f(n-1) if n }}{{ f(n-1) if n }}{% endmacro %}{{ f(60) }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{{ '{:{}}'.format(1, 10 ** 9) }}",
        "{{ '{:.{p}f}'.format(1.5, p=10 ** 9) }}",
        "{{ '{a:1000000000}'.format_map({'a': 1}) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '%*d' % (10 ** 9, 1) }}",
        "{{ '%.*f' % (10 ** 9, 1) }}",
        "{{ '%(a)1000000000s'|format(a=1) }}",
        "{{ '%d' % value.huge }}",
        "{{ '{:f}'.format(value.huge * 10) }}",
        "{{ value.huge|int }}",
        "{{ 5|round(-1000000000) }}",
        "{{ 'x' * 10 ** 9 }}",
        "{{ [value.big] * 100000 }}",
        "{{ 'x'|center(10 ** 9) }}",
        "{{ 'x'.ljust(10 ** 9) }}",
        "{{ 'x'.zfill(width) if 0 else 'x'.zfill(10 ** 9) }}",
        "{{ value.big|indent(10 ** 9) }}",
        "{{ value.list|map('center', 10 ** 9)|list }}",
        "{% filter center(10 ** 9) %}x{% endfilter %}",
        "{{ range(99999)|list|tojson(indent=10 ** 9) }}",
        "{{ value.big|replace('a', value.big) }}",
        "{{ value.big.replace('a', value.big) }}",
        "{{ value.list|join(value.big) }}",
        "{{ value.big.join('aaaaaaaaaaaaaaaaaaaaaa') }}",
        "{{ range(99999)|map('string')|join(value.big) }}",
        "{{ ('%s' * 1000) % ((value.big,) * 1000) }}",
        "{% set x = 10 ** 1000 %}{% set x = x ** 1000 %}{{ x ** 1000 }}",
        "{{ value.big|wordwrap(1) }}",
        "{{ ('<a' * 1000000)|striptags }}",
        "{{ value.big|urlize }}",
        "{{ value.big.expandtabs(100000) }}",
        "{{ 'a'.translate({97: value.big}) }}",
        "{{ (5).to_bytes(10 ** 9, 'big') }}",
        "{{ lipsum(n=1000000) }}",
        doubling("{% set x = x ~ x %}"),
        doubling("{% set x = x + x %}"),
        doubling("{% set x = [x, x] %}"),
        doubling("{% set x %}{{ x }}{{ x }}{% endset %}"),
        doubling("{% set x = '%s%s' % (x, x) %}"),
    ],
)
def test_a_template_that_makes_much_out_of_little_is_a_data_error_that_names_the_key(template: str) -> None:
    made = pattern("mail.text", template)
    with pytest.raises(DataError, match=r"^mail\.text: "):
        made.render(FACTS)


def test_constants_are_not_worked_out_while_a_config_is_read() -> None:
    pattern("mail.text", "{{ 'x' * 10 ** 9 }}{{ 'x'|center(10 ** 9) }}{{ 'a' ~ 'b' }}")


def test_commas_separate_except_within_templates_and_quotes() -> None:
    text = 'a@b, "Doe, J" <c@d>, {{ x(1, 2) }}, {% if a, b %}, {# , #} e, {{ open, f'
    assert entries(text) == [
        "a@b",
        '"Doe, J" <c@d>',
        "{{ x(1, 2) }}",
        "{% if a, b %}",
        "{# , #} e",
        "{{ open",
        "f",
    ]
