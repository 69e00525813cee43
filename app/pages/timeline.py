"""Where the marks of a contact's timeline stand in its drawing: twelve months back, three ahead."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.pages import looks
from contact_registry.schemas import CheckOut, TouchpointOut

WIDTH = 960
BACK = timedelta(days=365)
AHEAD = timedelta(days=92)
_LINE_Y = 64  # of the lowest row of dots; others of the same days stand above it
_ROW_HEIGHT = 15
_ROWS = 4
_KINDS = {"completed": "past", "no_show": "past", "planned": "ahead", "reserved": "ahead"}


@dataclass(frozen=True, slots=True)
class Month:
    x: float
    word: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A touchpoint; `kind` is past, ahead or void."""

    x: float
    y: float
    kind: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Span:
    left: float
    width: float


@dataclass(frozen=True, slots=True)
class TimelineView:
    months: list[Month]
    dots: list[Dot]
    blocked: Span | None
    now_x: float
    sentence: str


def view_of(touchpoints: list[TouchpointOut], answer: CheckOut, now: datetime, zone: ZoneInfo) -> TimelineView:
    """Return the drawing's parts; touchpoints outside the drawn months are left to the table below it."""
    start, end = now - BACK, now + AHEAD
    shown = [touch for touch in touchpoints if start <= touch.at <= end]
    return TimelineView(
        months=_months(start, end, zone),
        dots=_dots(shown, start, zone),
        blocked=_blocked(answer, start, end),
        now_x=_x(now, start),
        sentence=f"{len(shown)} touchpoints from twelve months ago to three months ahead; the table below lists them.",
    )


def _x(at: datetime, start: datetime) -> float:
    return round((at - start) / (BACK + AHEAD) * WIDTH, 1)


def _months(start: datetime, end: datetime, zone: ZoneInfo) -> list[Month]:
    month = start.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    months: list[Month] = []
    while month < end:
        if month >= start:
            is_named_whole = month.month == 1 or not months
            months.append(Month(_x(month, start), f"{month:%b %Y}" if is_named_whole else f"{month:%b}"))
        month = (month + timedelta(days=32)).replace(day=1)
    return months


def _dots(touchpoints: list[TouchpointOut], start: datetime, zone: ZoneInfo) -> list[Dot]:
    rows: dict[int, int] = defaultdict(int)
    dots: list[Dot] = []
    for touch in sorted(touchpoints, key=lambda touch: (touch.at, touch.id)):
        x = _x(touch.at, start)
        place = round(x / 12)
        row = min(rows[place], _ROWS - 1)
        rows[place] += 1
        local = touch.at.astimezone(zone)
        word = looks.touchpoint_look(touch.status).word
        sentence = f"{local.day} {local:%b %Y}, {touch.team}, {touch.channel}: {word}"
        dots.append(Dot(x, _LINE_Y - row * _ROW_HEIGHT, _KINDS.get(touch.status, "void"), sentence))
    return dots


def _blocked(answer: CheckOut, start: datetime, end: datetime) -> Span | None:
    if answer.decision == "eligible":
        return None
    until = min(answer.next_eligible_at or end, end)
    if until <= answer.at:
        return None
    left = _x(max(answer.at, start), start)
    return Span(left, round(_x(until, start) - left, 1))
