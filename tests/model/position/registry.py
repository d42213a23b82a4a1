"""Every document that was ever written, each with a number and a version."""

from __future__ import annotations

from typing import Generic, TypeVar

_T = TypeVar("_T")


class Registry(Generic[_T]):
    """Values by number; a value written over its equal gets another number."""

    def __init__(self) -> None:
        self._known: dict[tuple[_T, int], int] = {}
        self._values: list[_T] = []

    def over(self, old: int, value: _T) -> int:
        """Return the number of a value written over document `old`, -1 for none."""
        number = self._number(value, 0)
        return number if number != old else self._number(value, 1)

    def __getitem__(self, number: int) -> _T:
        return self._values[number]

    def _number(self, value: _T, turn: int) -> int:
        number = self._known.setdefault((value, turn), len(self._values))
        if number == len(self._values):
            self._values.append(value)
        return number
