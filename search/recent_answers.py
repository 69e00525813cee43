"""Keeps answers that were given a moment ago, as long as nothing was committed to the database since.

`SearchService` asks it before it searches. What is asked is the key: the whole request with the viewer's rights in it.
Where the database has no version (`Database.version`) nothing is kept.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from sqlmodel import Session

from core.database import Database
from core.visibility import Viewer
from search import findable
from search.values import SearchAnswer, SearchRequest

MOST_ENTRIES = 1000
MOST_BYTES = 32 * 2**20  # about 800 answers of ten moments each
_RESULT_BYTES = 1500  # of a moment without its text
_INTERVIEW_BYTES = 200  # an id and its place in a dictionary
_SMALL_BYTES = 500

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Entry:
    value: Any
    size_bytes: int


class RecentAnswers:
    """Safe from any thread. Whatever is used least recently goes first; what is out of date goes all at once."""

    def __init__(self, database: Database, most_entries: int = MOST_ENTRIES, most_bytes: int = MOST_BYTES) -> None:
        self._database = database
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._version: int | None = None
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._size_bytes = 0

    @property
    def size_bytes(self) -> int:
        """Roughly what is kept; never more than was allowed."""
        return self._size_bytes

    def answer(self, request: SearchRequest, make: Callable[[SearchRequest], SearchAnswer]) -> SearchAnswer:
        """Return what `make` answers, or answered to the same request; `took_ms` is of this time. Raises as `make`."""
        started = time.perf_counter()
        answer = self.of(request, lambda: make(request), _weigh_answer)
        return replace(answer, took_ms=round((time.perf_counter() - started) * 1000, 1))

    def of(self, asked: Hashable, make: Callable[[], T], weigh: Callable[[T], int] = lambda _: _SMALL_BYTES) -> T:
        """Return what `make` returns, or returned for what was `asked` with the database as it is now.

        `make` begins its transactions itself. Values are shared: nobody may change them. What raises is not kept.
        """
        version = self._database.version()
        entry = self._find(version, asked)
        if entry is not None:
            return cast(T, entry.value)
        value = make()
        self._keep(version, asked, value, weigh)
        return value

    def visible_interviews(self, session: Session, viewer: Viewer, version: int | None) -> Mapping[str, bool]:
        """Return `findable.visible_interviews`; `version` was asked before `session` began.

        What is returned is what `session` itself would read, also where somebody committed in between.
        """
        asked = ("visible_interviews", viewer)
        entry = self._find(version, asked)
        if entry is not None and self._database.is_at(session, version):
            return cast(Mapping[str, bool], entry.value)
        visible = findable.visible_interviews(session, viewer)
        self._keep(version, asked, visible, lambda found: _SMALL_BYTES + _INTERVIEW_BYTES * len(found))
        return visible

    def forget(self) -> None:
        """Drop everything: what was withdrawn stays in no answer."""
        with self._lock:
            self._clear()

    def forget_outdated(self) -> None:
        """Drop what is older than the latest commit of any process: where nobody asks, nobody else looks."""
        version = self._database.version()
        with self._lock:
            self._see(version)

    def _find(self, version: int | None, asked: Hashable) -> _Entry | None:
        with self._lock:
            self._see(version)
            entry = self._entries.get(asked) if version is not None and version == self._version else None
            if entry is not None:
                self._entries.move_to_end(asked)
            return entry

    def _keep(self, version: int | None, asked: Hashable, value: T, weigh: Callable[[T], int]) -> None:
        if version is None:
            return
        entry = _Entry(value, weigh(value))
        with self._lock:
            # asked again: if somebody committed meanwhile, it is not known which of the two states was read
            self._see(self._database.version())
            if version != self._version or entry.size_bytes > self._most_bytes:
                return
            old = self._entries.pop(asked, None)
            self._size_bytes += entry.size_bytes - (0 if old is None else old.size_bytes)
            self._entries[asked] = entry
            while len(self._entries) > self._most_entries or self._size_bytes > self._most_bytes:
                self._size_bytes -= self._entries.popitem(last=False)[1].size_bytes

    def _see(self, version: int | None) -> None:
        """Drop what is older than `version`; versions only grow, so a smaller one comes from a slower thread."""
        if version is None or self._version is None or version > self._version:
            self._clear()
            self._version = version

    def _clear(self) -> None:
        self._entries.clear()
        self._size_bytes = 0


def _weigh_answer(answer: SearchAnswer) -> int:
    moments = {id(one): one for group in answer.groups or () for one in group.results}
    moments |= {id(one): one for one in answer.results}
    values = sum(len(several) for several in (answer.facets or {}).values())
    texts = sum(sys.getsizeof(one.text) for one in moments.values())
    return _SMALL_BYTES + sys.getsizeof(answer.query) + texts + _RESULT_BYTES * len(moments) + _INTERVIEW_BYTES * values
