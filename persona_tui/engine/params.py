"""Described, bounded parameters and the one grammar that writes and reads them.

A value with parameters reads ``name:key=value,key=value``; items of a list are split by
``|``; a range reads ``low/mode/high``; a segment reads ``attribute=value|value``; a name that holds
one of ``, | : = "`` is quoted as in CSV.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Final, Literal, TypeAlias, get_args, get_type_hints

Kind: TypeAlias = Literal[
    "int", "float", "event", "events", "persona", "personas", "segment", "text", "texts"
]
NUMBERS: Final = frozenset({"int", "float"})
NAMES: Final = frozenset({"event", "persona", "text"})
LISTS: Final = frozenset({"events", "personas", "texts"})
SEGMENT: Final = "segment"

_SPECIAL = frozenset(',|:="')


@dataclass(frozen=True, slots=True)
class Range:
    """What is believed of a number: least, likeliest and greatest value.

    The belief is a PERT distribution: a beta on [low, high] with mean (low + 4 mode + high) / 6.

    References
    ----------
    Malcolm, Roseboom, Clark & Fazar (1959), Application of a technique for research and
    development program evaluation, *Operations Research* 7, 646-669.

    Examples
    --------
    >>> str(Range(0.02, 0.05, 0.1))
    '0.02/0.05/0.1'
    >>> Range(0.0, 0.0, 0.75).mean
    0.125
    """

    low: float
    mode: float
    high: float

    @property
    def mean(self) -> float:
        """Return the mean of the belief, (low + 4 mode + high) / 6; exactly ``low`` where all are equal."""
        return self.low + (4 * (self.mode - self.low) + (self.high - self.low)) / 6

    def __str__(self) -> str:
        return f"{self.low!r}/{self.mode!r}/{self.high!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What is known of one parameter: enough to parse, check, document and draw a form for it."""

    name: str
    kind: Kind
    default: Any
    required: bool
    low: float | None
    high: float | None
    unit: str
    help: str
    takes_range: bool = False

    @property
    def bounds(self) -> str:
        """Return the allowed range in words, empty where there is none."""
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}"
        if self.low is not None:
            return f"at least {self.low:g}"
        return "" if self.high is None else f"at most {self.high:g}"


def param(
    *,
    help: str,  # noqa: A002 - the field's word
    kind: Kind | None = None,
    default: Any = MISSING,  # noqa: ANN401 - a default has the type of its field
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
) -> Any:  # noqa: ANN401 - as dataclasses.field
    """Declare a parameter as a dataclass field.

    Parameters
    ----------
    help : str
        One sentence.
    kind : str, optional
        ``event`` and ``events`` name event types, ``persona`` and ``personas`` personas, ``segment``
        users of an attribute, ``text`` and ``texts`` are free; numbers are known by their annotation.
    default : object, optional
        Without one the parameter is required.
    low, high : float, optional
        Inclusive bounds.
    unit : str, optional
        What one unit of the number is.
    """
    metadata = {"kind": kind, "low": low, "high": high, "unit": unit, "help": help}
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


def parameters_of(cls: type) -> tuple[Parameter, ...]:
    """Return the declared parameters of a dataclass, in order."""
    if cls not in _DECLARED:
        hints = get_type_hints(cls)
        declared = [each for each in fields(cls) if "help" in each.metadata]
        _DECLARED[cls] = tuple(_parameter(each, hints[each.name]) for each in declared)
    return _DECLARED[cls]


_DECLARED: dict[type, tuple[Parameter, ...]] = {}
"""Reading annotations takes 0.25 ms a class, and an effect asks a dozen times."""


def _parameter(declared: Field[Any], hint: object) -> Parameter:
    numbers: dict[object, Kind] = {int: "int", float: "float"}
    kind: Kind = declared.metadata["kind"] or next(
        numbers[each] for each in (hint, *get_args(hint)) if each in numbers
    )
    required = declared.default is MISSING
    return Parameter(
        name=declared.name,
        kind=kind,
        default=None if required else declared.default,
        required=required,
        takes_range=Range in get_args(hint),
        **{key: declared.metadata[key] for key in ("low", "high", "unit", "help")},
    )


def faults_of(instance: object) -> list[str]:
    """Return what is wrong with the values of a dataclass of parameters, one sentence a fault."""
    return [
        fault
        for each in parameters_of(type(instance))
        for fault in value_faults(each, getattr(instance, each.name))
    ]


def value_faults(parameter: Parameter, value: Any) -> list[str]:  # noqa: ANN401 - unchecked
    """Return what is wrong with the value of one parameter, one sentence a fault."""
    if parameter.kind == SEGMENT:
        return _segment_faults(parameter.name, value, required=parameter.required)
    if parameter.kind not in NUMBERS or value is None:
        return _text_faults(parameter, value)
    if not isinstance(value, Range):
        return _number_faults(parameter, value)
    if not parameter.takes_range:
        return [f"{parameter.name} == {value}, must be one number, not a range."]
    ends = [f for end in ("low", "mode", "high") for f in _number_faults(parameter, getattr(value, end), end)]
    if not ends and not value.low <= value.mode <= value.high:
        return [f"{parameter.name} == {value}, must have low <= mode <= high."]
    return ends


def _number_faults(parameter: Parameter, value: Any, end: str = "") -> list[str]:  # noqa: ANN401 - unchecked
    name = f"{parameter.name} ({end})" if end else parameter.name
    fraction = parameter.kind == "int" and not isinstance(value, int)
    if isinstance(value, bool) or fraction or not isinstance(value, (int, float)):
        return [f"{name} == {value!r}, must be {_word(parameter)}."]
    if isinstance(value, float) and math.isnan(value):
        return [f"{name} is not a number."]
    if parameter.low is not None and value < parameter.low:
        return [f"{name} == {_shown(value)}, must be >= {parameter.low:g}."]
    if parameter.high is not None and value > parameter.high:
        return [f"{name} == {_shown(value)}, must be <= {parameter.high:g}."]
    return []


def _shown(value: float) -> str:
    """Return a number as messages show it; a whole one may be greater than any float."""
    return str(value) if isinstance(value, int) else f"{value:g}"


def _segment_faults(name: str, value: str, *, required: bool) -> list[str]:
    try:
        if value or required:
            parse_segment(value)
    except ValueError as fault:
        return [f"{name}: {fault}"]
    return []


def _text_faults(parameter: Parameter, value: Any) -> list[str]:  # noqa: ANN401 - unchecked
    is_free = parameter.kind in {"text", "texts"}
    nothing = not value or (parameter.kind == "texts" and "" in value)
    needed = parameter.required or parameter.default
    return [f"{parameter.name} is empty."] if is_free and needed and nothing else []


def _word(parameter: Parameter) -> str:
    return "a whole number" if parameter.kind == "int" else "a number"


def quote(name: str) -> str:
    """Return a name as the grammar writes it.

    Examples
    --------
    >>> quote("signup_start"), quote("Add, to cart")
    ('signup_start', '"Add, to cart"')
    """
    if not name or name != name.strip() or _SPECIAL & set(name):
        return '"' + name.replace('"', '""') + '"'
    return name


def unquote(text: str) -> str:
    """Return the name that a piece of the grammar stands for.

    Raises
    ------
    ValueError
        If a quote is left open or followed by other text.
    """
    text = text.strip()
    if not text.startswith('"'):
        return text
    inner = text[1:-1]
    if len(text) < 2 or not text.endswith('"') or '"' in inner.replace('""', ""):
        raise ValueError(f"The quoted name {text} is not closed, or holds a quote that is not doubled.")
    return inner.replace('""', '"')


def split(text: str, separator: str) -> list[str]:
    """Split at a separator that stands outside quotes; the pieces keep their quotes.

    Examples
    --------
    >>> split('a,"b,c",d', ",")
    ['a', '"b,c"', 'd']
    """
    pieces, start, position, quoted, fresh = [], 0, 0, False, True
    while position < len(text):
        char = text[position]
        if quoted:
            if char == '"' and text[position + 1 : position + 2] == '"':
                position += 1
            elif char == '"':
                quoted = False
        elif char == '"' and fresh:
            quoted = True
        elif char == separator:
            pieces.append(text[start:position])
            start = position + 1
        fresh = not quoted and (char in ",|:=" or (fresh and char.isspace()))
        position += 1
    return [*pieces, text[start:]]


def parse_names(text: str, separator: str = ",") -> tuple[str, ...]:
    """Return the names in a list of the grammar.

    Examples
    --------
    >>> parse_names('landing, "Add, to cart"')
    ('landing', 'Add, to cart')
    """
    return tuple(unquote(piece) for piece in split(text, separator)) if text.strip() else ()


def format_names(names: Iterable[str], separator: str = ",") -> str:
    """Return names as a list of the grammar; the inverse of ``parse_names``."""
    return separator.join(quote(name) for name in names)


def parse_segment(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the attribute and the values that a segment names, the values sorted.

    Raises
    ------
    ValueError
        If it is not ``attribute=value|value``, or names nothing.

    Examples
    --------
    >>> parse_segment('device = tablet|mobile')
    ('device', ('mobile', 'tablet'))
    """
    attribute, *values = split(text, "=")
    name, listed = unquote(attribute), parse_names("=".join(values), "|")
    if not values or not name or not listed or "" in listed:
        raise ValueError(f"'{text.strip()}' is not attribute=value, or attribute=value|value.")
    return name, tuple(sorted(set(listed)))


def format_segment(attribute: str, values: Iterable[str]) -> str:
    """Return a segment as the grammar writes it; one text for the same attribute and values.

    Examples
    --------
    >>> format_segment("device", ["tablet", "mobile"])
    'device=mobile|tablet'
    """
    return f"{quote(attribute)}={format_names(sorted(set(values)), '|')}"


def parse_call(text: str) -> tuple[str, dict[str, str]]:
    """Return the name and the raw parameters of ``name:key=value,key=value``.

    Raises
    ------
    ValueError
        If a parameter has no ``=``, or one is given twice.

    Examples
    --------
    >>> parse_call("friction:factor=0.05,at=form_step_1|form_step_2")
    ('friction', {'factor': '0.05', 'at': 'form_step_1|form_step_2'})
    """
    name, *rest = split(text, ":")
    given: dict[str, str] = {}
    for piece in split(":".join(rest), ",") if rest else []:
        key, *value = split(piece, "=")
        key = key.strip()
        if not value or not key:
            raise ValueError(f"'{piece}' is not key=value.")
        if key in given:
            raise ValueError(f"'{key}' is given twice.")
        given[key] = "=".join(value)
    return unquote(name), given


def parse_value(parameter: Parameter, text: str) -> Any:  # noqa: ANN401 - the type is the parameter's
    """Return the value that a text of the grammar stands for.

    Raises
    ------
    ValueError
        If it is no such number.
    """
    if parameter.kind in LISTS:
        return parse_names(text, "|")
    if parameter.kind in NAMES:
        return unquote(text)
    if parameter.kind == SEGMENT:
        return unquote(text) if len(split(text, "=")) == 1 else text.strip()
    number = int if parameter.kind == "int" else float
    parts = text.split("/")
    try:
        if len(parts) == 3:
            return Range(*(number(part) for part in parts))
        return number(text)
    except ValueError:
        wanted = f"{_word(parameter)} or a range low/mode/high"
        raise ValueError(f"{parameter.name} == '{text.strip()}', must be {wanted}.") from None


def format_call(name: str, instance: object) -> str:
    """Return an instance as the grammar writes it, defaults left out."""
    given = []
    for each in parameters_of(type(instance)):
        value = getattr(instance, each.name)
        if not each.required and value == each.default:
            continue
        if each.kind in LISTS:
            text = format_names(value, "|")
        elif each.kind in NAMES or each.kind == SEGMENT:
            text = quote(value)
        else:
            text = str(value) if isinstance(value, Range) else repr(value)
        given.append(f"{each.name}={text}")
    return quote(name) + (":" + ",".join(given) if given else "")
