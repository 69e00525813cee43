"""Template filters: instants, lengths and sizes as people read them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, pass_context
from jinja2.runtime import Context

from app.pages import looks, quotes
from app.pages.languages import language_name
from search.values import SearchResult

_SECTIONS = {
    "": "search",
    "answers": "search",
    "saved-searches": "search",
    "interviews": "interviews",
    "projects": "interviews",
    "teams": "interviews",
}
_SECTIONS |= {"contacts": "contacts", "reservations": "contacts", "upload": "upload", "settings": "settings"}
_SECTIONS |= {"withdrawals": "interviews", "retention": "settings", "search-quality": "settings", "audit": "settings"}
_SECTIONS |= {"me": "me", "users": "users"}

_ASKING_WORDS = """
what why how who whom whose which when where do does did is are was were can could should would will has have had
was warum wie wer wem wen wessen welche welcher welches wann wo wozu weshalb haben hat sind ist können kann
"""
_ASKING = frozenset(_ASKING_WORDS.split())


def install(env: Environment) -> None:
    """Give the environment the filters and functions that templates use."""
    env.filters.update(
        clock_time=clock_time,
        counted=counted,
        answer=answer,
        consent_looks=looks.consent_looks,
        date_words=date_words,
        day=day,
        day_time=day_time,
        duration_words=duration_words,
        for_input=for_input,
        is_question=is_question,
        language_name=language_name,
        marked=quotes.marked,
        moment_link=moment_link,
        quote_of=quotes.quote_of,
        size_words=size_words,
        until_words=until_words,
        whole_minute=whole_minute,
        yes_no=yes_no,
        consent_look=looks.consent_look,
        contact_look=looks.contact_look,
        is_moving=looks.is_moving,
        progress_sentence=looks.progress_sentence,
        reason_look=looks.reason_look,
        status_look=looks.status_look,
        steps=looks.steps,
        touchpoint_look=looks.touchpoint_look,
        user_look=looks.user_look,
    )
    env.globals.update(active_section=active_section, dict_of=dict, zone_name=zone_name)


def zone_of(request: Any) -> ZoneInfo:
    """Return the workspace's time zone."""
    return ZoneInfo(request.app.state.services.settings.timezone)


@pass_context
def zone_name(context: Context) -> str:
    """Return the IANA name of the zone in which the page shows times."""
    return str(zone_of(context["request"]))


@pass_context
def active_section(context: Context) -> str:
    """Return which part of the navigation the page belongs to."""
    return _SECTIONS.get(context["request"].url.path.split("/")[1], "")


@pass_context
def day(context: Context, at: datetime) -> str:
    """Return `12 May 2026` in the workspace's zone."""
    local = at.astimezone(zone_of(context["request"]))
    return f"{local.day} {local:%b %Y}"


def date_words(on: date) -> str:
    """Return `12 May 2026`."""
    return f"{on.day} {on:%b %Y}"


def yes_no(said: bool | None) -> str:
    """Return a noted answer as people read it."""
    return "not noted" if said is None else "yes" if said else "no"


def answer(said: bool | None) -> str:
    """Return a noted answer as a form sends it."""
    return "" if said is None else yes_no(said)


@pass_context
def day_time(context: Context, at: datetime, zone: str = "") -> str:
    """Return `12 May 2026, 14:05` in the given zone, by default the workspace's."""
    local = at.astimezone(ZoneInfo(zone) if zone else zone_of(context["request"]))
    return f"{local.day} {local:%b %Y, %H:%M}"


@pass_context
def for_input(context: Context, at: datetime) -> str:
    """Return the local date and time as a `datetime-local` field holds it; rounded up to the minute, never down."""
    return f"{whole_minute(at).astimezone(zone_of(context['request'])):%Y-%m-%dT%H:%M}"


def whole_minute(at: datetime) -> datetime:
    """Return the instant, rounded up to the minute: a time from which something is allowed is never shown early."""
    if at.second or at.microsecond:
        return at.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return at


def until_words(at: datetime, now: datetime) -> str:
    """Return how far away a future instant is: `in 20 days`, `in 5 hours`; rounded up, never down."""
    left = at - now
    for name, length in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
        if left > length:
            return f"in {counted(-(-left // length), name)}"
    return "within a minute"


def clock_time(milliseconds: int) -> str:
    """Return `1:23` or `1:02:03`: the second a player would show."""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def duration_words(milliseconds: int) -> str:
    """Return `1 h 2 min`, `12 min` or `40 s`."""
    seconds = round(milliseconds / 1000)
    if seconds < 90:
        return f"{seconds} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def size_words(size_bytes: int) -> str:
    """Return `4 GiB` or `310 kB`, in units people know from their file manager."""
    for unit, factor in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f}".removesuffix(".0") + f" {unit}"
    return counted(size_bytes, "byte")


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return `1 moment` or `1,204 moments`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


def is_question(text: str) -> bool:
    """Return whether somebody asks, rather than names what they look for; in English or German."""
    words = text.lower().split()
    return text.rstrip().endswith("?") or (len(words) > 2 and words[0] in _ASKING)


def moment_link(result: SearchResult, query: str = "") -> str:
    """Return where the moment is heard: the interview's page at the segment that says what `query` asked for."""
    said = {"t": result.found.start_ms, "q": query or None}
    asked = urlencode({name: value for name, value in said.items() if value is not None})
    return f"/interviews/{result.interview.id}{'?' + asked if asked else ''}#segment-{result.found.segment}"


def local_instant(text: str, zone: ZoneInfo) -> datetime | None:
    """Return the instant of a date or a local date and time from a form; None for an empty or unreadable one."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):  # the latter: year 1 or 9999, in UTC another one
        return None
