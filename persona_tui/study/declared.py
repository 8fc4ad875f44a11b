"""How an option is declared: a dataclass field that knows its flag, its bounds and its help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field, field
from typing import Any, Literal, TypeAlias

from persona_tui.engine.errors import unknown_name

Form: TypeAlias = Literal["text", "texts", "whole number", "number"]
"""How a study file may hold a value."""


def option(
    flag: str,
    *,
    default: Any,  # noqa: ANN401 - as dataclasses.field
    help: str,  # noqa: A002 - the field's word
    metavar: str = "",
    shown_default: str = "",
    choices: tuple[str, ...] = (),
    low: float | None = None,
    high: float | None = None,
    also: Form | None = None,
    pattern: str = "",
    check: Callable[[Any], str] | None = None,
) -> Any:  # noqa: ANN401 - as dataclasses.field
    """Declare an option as a dataclass field.

    Parameters
    ----------
    flag : str
    default : object
    help : str
        One sentence.
    metavar : str
        What stands for the value in help.
    shown_default : str
        What the default means, where it is worked out from the data.
    choices : tuple of str
    low, high : float, optional
        Inclusive bounds of a number, which is whole where the lower one is.
    also : str, optional
        Another form in which a study file may hold it.
    pattern : str
        What its whole text, or each of its texts, matches; for the schema.
    check : callable, optional
        Gets the value and returns what is wrong with it, to stand after the option's name, or nothing.
    """
    number: Form = "number" if isinstance(low, float) else "whole number"
    main: Form = "texts" if isinstance(default, tuple) else "text" if low is None else number
    metadata = {
        "flag": flag,
        "help": help,
        "metavar": metavar,
        "shown_default": shown_default,
        "choices": choices,
        "low": low,
        "high": high,
        "forms": (main,) if also is None else (main, also),
        "pattern": pattern,
        "check": check,
    }
    return field(default=default, metadata=metadata)


def option_fault(each: Field[Any], value: Any, called: str) -> str:  # noqa: ANN401 - any option
    """Return what is wrong with the value of an option, empty where nothing is.

    Parameters
    ----------
    each : Field
        Its declaration.
    value : object
    called : str
        The option's name where the value comes from: its flag, or its key in a file.
    """
    choices, low, high, check = (each.metadata[key] for key in ("choices", "low", "high", "check"))
    if choices and value not in choices:
        return str(unknown_name(f"value of {called}", str(value), choices))
    if low is not None and value is not None and value < low:
        return f"{called} == {value}, must be >= {low:g}."
    if high is not None and value is not None and value > high:
        return f"{called} == {value}, must be <= {high:g}."
    fault = check(value) if check else ""
    return f"{called} {fault}" if fault else ""


def shown_default(each: Field[Any]) -> str:
    """Return the default of an option as help shows it, empty where there is nothing to say."""
    meaning: str = each.metadata["shown_default"]
    if meaning:
        return meaning
    default = each.default
    return " ".join(default) if isinstance(default, tuple) else str(default)
