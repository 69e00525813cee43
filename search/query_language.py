"""What people type beside words: "quotes", -without, speaker:, project:, team:, tag:, before:, after:, beginn*.

In: a query as typed. Out: its free text, and what the rest asks for. Anything that is not understood stays text, so
that an address or a clock time in a question is no trouble; only a date that is none is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from core.errors import InvalidInput
from search.query_words import has_word
from search.words import fold

FIELDS = ("speaker", "project", "team", "tag", "before", "after")
_QUOTES = '"“”„'
_PART = re.compile(
    rf"(?P<minus>(?<!\S)-)?(?:(?P<field>{'|'.join(FIELDS)}):)?"
    rf"(?:[{_QUOTES}](?P<quoted>[^{_QUOTES}]*)[{_QUOTES}]|(?P<bare>[^\s{_QUOTES}]+))",
    re.IGNORECASE,
)
_LEAST_BEGINNING = 2  # characters before a *: one letter begins too much
_PERIOD = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


@dataclass(frozen=True, slots=True)
class TypedQuery:
    """`text` is what is left to search for: words and quoted phrases, beginnings without their *."""

    text: str
    beginnings: tuple[str, ...] = ()  # folded
    without_words: tuple[str, ...] = ()
    without_beginnings: tuple[str, ...] = ()  # folded
    without_phrases: tuple[str, ...] = ()
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)  # of each field that was used

    def instant(self, name: str, zone: ZoneInfo) -> datetime | None:
        """Return when the period named by `before:` or `after:` begins; several must all hold.

        Raises: InvalidInput `unknown_date`.
        """
        found = [_begin_of(value, name, zone) for value in self.values.get(name, ())]
        return (min if name == "before" else max)(found, default=None)


def parse_query(query: str) -> TypedQuery:
    """Take `query` apart. No text makes this raise."""
    text: list[str] = []
    begins: list[str] = []
    without: dict[str, list[str]] = {"word": [], "beginning": [], "phrase": []}
    values: dict[str, list[str]] = {}
    for part in _PART.finditer(query):
        quoted, bare = part["quoted"], part["bare"]
        value = quoted if bare is None else bare
        begin = None if bare is None else _beginning(bare)
        if part["field"] and has_word(value) and not part["minus"]:
            values.setdefault(part["field"].lower(), []).append(value.strip())
        elif part["minus"] and not part["field"] and has_word(value):
            kind = "phrase" if bare is None else "beginning" if begin else "word"
            without[kind].append(begin or value)
        else:
            begins += [begin] if begin else []
            text.append(bare.rstrip("*") if begin and bare else part[0])
    return TypedQuery(
        " ".join(text),
        tuple(dict.fromkeys(begins)),
        tuple(without["word"]),
        tuple(without["beginning"]),
        tuple(without["phrase"]),
        {name: tuple(found) for name, found in values.items()},
    )


def _beginning(bare: str) -> str | None:
    """Return the folded beginning of `integrat*`; None for what is none."""
    begin = fold(bare.rstrip("*"))
    is_one = bare.endswith("*") and len(begin) >= _LEAST_BEGINNING and begin.isalnum()
    return begin if is_one else None


def _begin_of(value: str, name: str, zone: ZoneInfo) -> datetime:
    period = _PERIOD.fullmatch(value)
    try:
        if period is None:
            raise ValueError
        day = date(int(period[1]), int(period[2] or 1), int(period[3] or 1))
    except ValueError as error:
        raise InvalidInput(
            "unknown_date", f"{name}: takes a day, a month or a year, as in {name}:2026-05-01.", field="q"
        ) from error
    return datetime.combine(day, time.min, zone)
