"""A property that is worked out once an object, without a lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

_Value_co = TypeVar("_Value_co", covariant=True)


class KeptProperty(Generic[_Value_co]):
    """Keeps in the object what a method without arguments returns; asked again, it costs nothing.

    ``functools.cached_property`` holds one lock for all objects of a class in Python 3.11, so that
    threads which solve different flows would wait for each other. Here two threads that ask the same
    object for the first time may both work it out.
    """

    def __init__(self, method: Callable[[Any], _Value_co]) -> None:
        self.method = method
        self.name = method.__name__
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type[Any]) -> _Value_co: ...

    def __get__(self, instance: object | None, owner: type[Any]) -> Self | _Value_co:
        if instance is None:
            return self
        value = vars(instance)[self.name] = self.method(instance)
        return value
