"""What can go wrong, each with a cause and a cure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PersonaError(Exception):
    """Stop with a message that names the cause and a hint that names the next step.

    Parameters
    ----------
    message : str
        What is wrong, with the value and the bound.
    hint : str, optional
        What to do about it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class DataError(PersonaError, ValueError):
    """The log or a file that came from outside cannot be used as it is."""


class ModelingError(PersonaError, ValueError):
    """A model cannot be fitted to this data with these settings."""


class SimulationError(PersonaError, ValueError):
    """A flow, an effect or an experiment makes no sense."""


class WorkerError(SimulationError):
    """Worker processes ended or could not be started; the work that they had may be sound."""


class ExportError(PersonaError, OSError):
    """A result could not be written."""


class ThresholdError(PersonaError):
    """A limit that was asked for is exceeded."""


class MissingExtraError(PersonaError, ImportError):
    """An optional package is needed for this."""


class UnknownNameError(PersonaError, LookupError):
    """A name is not among the known ones; the message suggests the nearest."""


class RunCancelled(Exception):  # noqa: N818 - it is a request that was granted, not an error
    """Raised from a progress callback to stop the work."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """Return the error for a name that is not known, with the nearest known one.

    Examples
    --------
    >>> print(unknown_name("event", "signup_strat", ["landing", "signup_start"]))
    Unknown event 'signup_strat'. Known: landing, signup_start. Did you mean 'signup_start'?
    """
    names = list(known)
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    folded = {each.casefold(): each for each in reversed(names)}
    near = difflib.get_close_matches(name.casefold(), list(folded), n=1)
    suggestion = f" Did you mean '{folded[near[0]]}'?" if near else ""
    return UnknownNameError(f"Unknown {kind} '{name}'. Known: {shown or 'none'}.{suggestion}")
