"""Keeps what was made for those that were asked for last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class LastAsked(Generic[Key, Value]):
    """The values of the `most` keys that were asked for last. Safe from any thread: replaced, never changed."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[Key, Value] = {}

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """Return the value of `key`, made if it is not there."""
        kept = self._kept
        value = kept[key] if key in kept else make()
        others = [(other, known) for other, known in kept.items() if other != key]
        self._kept = dict([*others[max(0, len(others) + 1 - self._most) :], (key, value)])
        return value
