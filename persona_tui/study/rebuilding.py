"""Make results anew from the plain values that they were kept as."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def rebuild(kind: type[T], kept: Any) -> T:  # noqa: ANN401 - any JSON value
    """Return the dataclass that ``dataclasses.asdict`` made plain, however it is nested.

    Parameters
    ----------
    kind : type
        A dataclass whose fields are plain values, dataclasses, enumerations, or tuples of these.
    kept : object
        Plain values, as JSON gives them.

    Raises
    ------
    TypeError, LookupError, ValueError
        If the values do not fit.

    Examples
    --------
    >>> from persona_tui.engine.progress import Progress
    >>> rebuild(Progress, {"stage": "fit", "done": 1, "total": 2})
    Progress(stage='fit', done=1, total=2)
    """
    made: T = _made(kind, kept)
    return made


def _made(hint: Any, kept: Any) -> Any:  # noqa: ANN401 - any type and JSON value
    if isinstance(hint, type) and is_dataclass(hint):
        hints = get_type_hints(hint)
        return hint(**{each.name: _made(hints[each.name], kept[each.name]) for each in fields(hint)})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(kept)
    if get_origin(hint) is tuple:
        parts = get_args(hint)
        kinds = [parts[0]] * len(kept) if parts[-1] is ... else parts
        return tuple(_made(kind, each) for kind, each in zip(kinds, kept, strict=True))
    if get_origin(hint) is UnionType:
        return None if kept is None else _made(next(p for p in get_args(hint) if p is not type(None)), kept)
    return kept
