"""Jinja's sandbox with bounds: whatever a template and a record's data are, it takes little time and little memory.

Every turn of a loop, call, filter and operator looks at the clock (of this thread's CPU, so that a loaded machine
changes nothing) and at the size of what it is given, so that no single step is long either.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
from functools import wraps
from string import Formatter
from typing import Any

from jinja2 import StrictUndefined, nodes
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, markup_join, str_join
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from ferryman.connectors.email.mail.addresses import join_addresses

MOST_CHARACTERS = 10_000_000
"""Characters that one template may make of a record, at any point on the way."""
MOST_CPU_SECONDS = 2.0
"""Seconds of CPU that it may take."""
_MOST_WIDTH = 10_000
"""The largest number that says how wide something is to be."""
_MOST_BITS = 100_000
_SLOW_BEYOND_CHARACTERS = 100_000
"""Characters beyond which filters that go over their text again and again are refused."""
_METHODS = frozenset({"items", "keys", "values", "get"})
_TEXT_METHODS = """
capitalize casefold center count endswith find format format_map index isalnum isalpha isascii isdecimal isdigit
islower isnumeric isspace istitle isupper join ljust lower lstrip partition removeprefix removesuffix replace rfind
rindex rjust rpartition rsplit rstrip split splitlines startswith strip striptags swapcase title unescape upper zfill
"""
_OF_TEXTS = frozenset(_TEXT_METHODS.split())
"""Methods of texts that templates may call."""
_OF_NUMBERS = frozenset({"bit_length", "is_integer", "quantize", "normalize", "as_tuple", "is_nan", "is_infinite"})
_WIDENING = frozenset({"center", "indent", "batch", "slice", "wordwrap", "round", "ljust", "rjust", "zfill", "tojson"})
_SLOW = frozenset({"wordwrap", "striptags", "urlize", "title"})
_FORMATS = re.compile(r"%%|%(?:\([^()]*+\))?[-#0 +]*+(?P<width>\*|\d*+)(?:\.(?P<precision>\*|\d*+))?")
_MEMBER_CHARACTERS = 16
"""What a member of a list or a map counts beside its text."""


@dataclass(slots=True)
class _Bounds:
    until: float
    written: int = 0


_bounds: ContextVar[_Bounds] = ContextVar("bounds")


class TooMuch(Exception):
    """A template that takes too long or makes too much; the message says what."""


@contextmanager
def bounded() -> Iterator[None]:
    """Within it the clock of one rendering runs."""
    token = _bounds.set(_Bounds(time.thread_time() + MOST_CPU_SECONDS))
    try:
        yield
    finally:
        _bounds.reset(token)


def tick() -> None:
    """One step. Raises TooMuch when the time is over."""
    if time.thread_time() > _bounds.get().until:
        raise TooMuch(f"the template takes longer than {MOST_CPU_SECONDS:.0f} s")


def weigh(*values: Any) -> int:
    """About how many characters some values are as text. Raises TooMuch beyond the limit, without going on."""
    total, rest = 0, [iter(values)]
    while rest:
        for value in rest[-1]:
            total += len(value) if isinstance(value, str | bytes) else _MEMBER_CHARACTERS
            if total > MOST_CHARACTERS:
                raise TooMuch(f"the text is longer than {MOST_CHARACTERS:,} characters")
            if isinstance(value, int) and value.bit_length() > _MOST_BITS:
                raise TooMuch("a number is too large")
            if isinstance(value, list | tuple | set | frozenset | dict):
                inner = (part for pair in value.items() for part in pair) if isinstance(value, dict) else iter(value)
                rest.append(inner)
                break
        else:
            rest.pop()
    return total


def kind_of(value: Any) -> str:
    """What a value is called in messages."""
    kinds = {bool: "a boolean", int: "an integer", float: "a number", str: "a text", bytes: "bytes", list: "a list"}
    return "null" if value is None else kinds.get(type(value), "a struct" if isinstance(value, Mapping) else "a time")


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, in which a struct's fields win over a dict's methods and a missing one is named."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "**", "%"})

    def __init__(self, escaping: bool) -> None:
        # Not optimized: what only consists of constants would be worked out when the config is read, out of bounds.
        super().__init__(autoescape=escaping, undefined=StrictUndefined, finalize=_finalize, optimized=False)
        self.filters["addresses"] = join_addresses
        self.filters = {name: _watched(name, each) for name, each in self.filters.items()}
        self.globals.pop("lipsum", None)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        template = super()._parse(source, name, filename)
        _Watching().visit(template)
        return template

    def getattr(self, obj: Any, attribute: str) -> Any:
        """``value.field``."""
        if isinstance(obj, Mapping) and (attribute in obj or attribute not in _METHODS):
            return self._member(obj, attribute)
        return self._named(super().getattr(obj, attribute), obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """``value["field"]``."""
        if isinstance(obj, Mapping):
            return self._member(obj, argument)
        return self._named(super().getitem(obj, argument), obj, argument)

    def _named(self, found: Any, obj: Any, name: Any) -> Any:
        if type(found) is StrictUndefined and found._undefined_hint is None and not isinstance(obj, StrictUndefined):
            return self.undefined(f"there is no field {name!r} in {kind_of(obj)}", obj=obj, name=name)
        return found

    def _member(self, obj: Mapping[Any, Any], name: Any) -> Any:
        if name in obj:
            return obj[name]
        return self.undefined(f"there is no field {name!r}", obj=obj, name=name)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether templates may use it: of texts and numbers, what cannot make much out of little."""
        if isinstance(obj, str | bytes):
            return attr in _OF_TEXTS
        if isinstance(obj, int | float | Decimal) and callable(value):
            return attr in _OF_NUMBERS
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> Any:
        """Texts' own way of formatting."""
        formatting, text = super().wrap_str_format(value), getattr(value, "__self__", None)
        if formatting is None or not isinstance(text, str):
            return formatting

        @wraps(formatting)
        def bound(*args: Any, **kwargs: Any) -> str:
            _refuse_wide_fields(text)
            _refuse_large([*args, *kwargs.values()])
            result: str = formatting(*args, **kwargs)
            return result

        return bound

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """Calls a method, macro or function of the template."""
        tick()
        owner, name = getattr(__obj, "__self__", None), getattr(__obj, "__name__", "")
        if isinstance(owner, str | bytes):
            _refuse_blowing_up(name, (owner, *args), kwargs)
        result = super().call(__context, __obj, *args, **kwargs)
        weigh(result)
        return result

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Refuses what makes much out of little."""
        tick()
        weigh(left, right)
        if operator == "%" and isinstance(left, str | bytes):
            _refuse_wide(left if isinstance(left, str) else left.decode("latin-1"))
            _refuse_large(right)
        if operator == "**" and _bits(left) * abs(right if isinstance(right, int) else 1) > _MOST_BITS:
            raise TooMuch("a number is too large")
        if operator == "*" and _repeats(left, right) > MOST_CHARACTERS:
            raise TooMuch("too many repetitions")
        result = super().call_binop(context, operator, left, right)
        weigh(result)
        return result

    def step(self) -> str:
        """Stands at the beginning of every turn of a loop and every run of a macro."""
        tick()
        return ""

    def concatenated(self, *parts: Any) -> str:
        """The operator ``~``."""
        tick()
        weigh(*parts)
        return markup_join(parts) if self.autoescape else str_join(parts)

    def contains(self, member: Any, whole: Any) -> bool:
        """The operator ``in``."""
        tick()
        return member in whole


class _Watching(NodeTransformer):
    """Puts the sandbox's own functions where Jinja would work without asking it."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        return self._stepping(node)

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:  # noqa: N802
        return self._stepping(node)

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:  # noqa: N802
        return self._stepping(node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _calling("concatenated", *node.nodes)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        if len(node.ops) > 1 or node.ops[0].op not in ("in", "notin"):
            return node
        found = _calling("contains", node.expr, node.ops[0].expr)
        return found if node.ops[0].op == "in" else nodes.Not(found, lineno=node.lineno)

    def _stepping(self, node: Any) -> nodes.Node:
        self.generic_visit(node)
        node.body = [nodes.ExprStmt(_calling("step"), lineno=node.lineno), *node.body]
        return node  # type: ignore[no-any-return]


def _calling(name: str, *args: nodes.Expr) -> nodes.Call:
    line = args[0].lineno if args else 1
    return nodes.Call(nodes.EnvironmentAttribute(name, lineno=line), list(args), [], None, None, lineno=line)


def _watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that checks the clock, and the sizes of its input and output."""

    @wraps(function)
    def filtering(*args: Any, **kwargs: Any) -> Any:
        tick()
        args = tuple(list(arg) if isinstance(arg, Iterator) else arg for arg in args)
        given = [arg for arg in args if not isinstance(arg, Context | EvalContext | Sandbox)]
        _refuse_blowing_up(name, tuple(given), kwargs)
        result = function(*args, **kwargs)
        weigh(result)
        return result

    return filtering


def _refuse_blowing_up(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    weigh(*args, *kwargs.values())
    numbers = [arg for arg in (*args[1:], *kwargs.values()) if isinstance(arg, int)]
    if name in _WIDENING and any(abs(number) > _MOST_WIDTH for number in numbers):
        raise TooMuch(f"{name} of more than {_MOST_WIDTH:,}")
    if name in _SLOW and args and isinstance(args[0], str) and len(args[0]) > _SLOW_BEYOND_CHARACTERS:
        raise TooMuch(f"{name} of a text of more than {_SLOW_BEYOND_CHARACTERS:,} characters")
    match name, args:
        case "replace", (text, old, new, *_):
            if _length(text) // max(1, _length(old)) * _length(new) > MOST_CHARACTERS:
                raise TooMuch(f"the text is longer than {MOST_CHARACTERS:,} characters")
        case "join", (first, *others):
            # The method's text stands between, the filter's first argument is what is joined.
            between, parts = (
                (first, others[0] if others else ())
                if isinstance(first, str)
                else (others[0] if others else kwargs.get("d", ""), first)
            )
            if isinstance(parts, str | list | tuple) and _length(between) * len(parts) > MOST_CHARACTERS:
                raise TooMuch(f"the text is longer than {MOST_CHARACTERS:,} characters")
        case "format", (text, *others):
            _refuse_wide(str(text))
            _refuse_large(others)
        case "int" | "round" | "string" | "float" | "abs" | "sum", _:
            _refuse_large(args)


def _refuse_wide(text: str) -> None:
    """Refuses widths and precisions behind a percent sign that are large, or that values give."""
    for found in _FORMATS.finditer(text):
        if any(part == "*" or len(part) > 4 for part in (found["width"] or "", found["precision"] or "")):
            raise TooMuch("the format is too wide")


def _refuse_wide_fields(text: str) -> None:
    """The same for fields in braces. Raises ValueError for a text that is no format."""
    for _, field, how, _ in Formatter().parse(text):
        if field is not None and how and ("{" in how or re.search(r"\d{5}", how)):
            raise TooMuch("the format is too wide")


def _refuse_large(values: Any) -> None:
    """Refuses decimals that are numbers of very many digits, and Python's own numbers of that kind."""
    for value in values if isinstance(values, list | tuple) else [values]:
        if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) > _MOST_WIDTH:
            raise TooMuch("a number is too large")
        weigh(value)


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str | bytes) else len(str(value))


def _bits(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) else 64


def _repeats(left: Any, right: Any) -> int:
    for text, times in ((left, right), (right, left)):
        if isinstance(text, str | bytes | list | tuple) and isinstance(times, int):
            return len(text) * times
    return 0


def _finalize(value: Any) -> Any:
    """What an expression becomes in the text, or in a block that is kept."""
    tick()
    bounds = _bounds.get()
    bounds.written += weigh(value)
    if bounds.written > 2 * MOST_CHARACTERS:
        raise TooMuch(f"the text is longer than {MOST_CHARACTERS:,} characters")
    return "" if value is None else value
