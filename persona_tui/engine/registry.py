"""Named things of one kind, in one place, loaded when they are asked for.

To add one, either decorate it (``@REGISTRY.register("name", help="…")``) or, where
its module is slow to import, name the place: ``REGISTRY.add("name", "module:attribute", help="…")``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Generic, TypeVar

from persona_tui.engine.errors import unknown_name

T = TypeVar("T")


class Registry(Generic[T]):
    """Map names to things of one kind.

    Parameters
    ----------
    kind : str
        What an entry is called in messages.
    home : str, optional
        Module that registers the entries, imported when they are first asked for.
    """

    def __init__(self, kind: str, home: str = "") -> None:
        self.kind = kind
        self._home = home
        self._entries: dict[str, T | str] = {}
        self._help: dict[str, str] = {}

    def register(self, name: str, *, help: str) -> Callable[[T], T]:  # noqa: A002 - the field's word
        """Return a decorator that adds what it decorates."""

        def add(entry: T) -> T:
            self._entries[name] = entry
            self._help[name] = help
            return entry

        return add

    def add(self, name: str, place: str, *, help: str) -> None:  # noqa: A002 - the field's word
        """Add what stands at ``module:attribute``, which is imported at its first use."""
        self._entries[name] = place
        self._help[name] = help

    def names(self) -> tuple[str, ...]:
        """Return the names, in the order in which they were added."""
        if self._home:
            importlib.import_module(self._home)
        return tuple(self._entries)

    def help(self, name: str) -> str:
        """Return the one-line description of an entry.

        Raises
        ------
        UnknownNameError
            If there is none of that name; the message suggests the nearest.
        """
        if name not in self._help:
            raise unknown_name(self.kind, name, self._help)
        return self._help[name]

    def get(self, name: str) -> T:
        """Return an entry.

        Raises
        ------
        UnknownNameError
            If there is none of that name; the message suggests the nearest.
        """
        if name not in self.names():
            raise unknown_name(self.kind, name, self._entries)
        entry = self._entries[name]
        if isinstance(entry, str):
            module, _, attribute = entry.partition(":")
            loaded: T = getattr(importlib.import_module(module), attribute)
            self._entries[name] = loaded
            return loaded
        return entry
