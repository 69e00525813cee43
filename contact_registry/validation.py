"""Policies as documents (JSON objects with the field names of the specification) and back.

`parse_policies` is the only way in: the API, the sample workspace and the draft of a policy set all use
it, so a `Policy` that exists is a valid one. What cannot be read is refused with a stable code and the
field's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from contact_registry.durations import Duration, DurationError, parse_duration
from contact_registry.instants import write_instant
from contact_registry.policy_checks import check_policy, check_policy_set
from contact_registry.values import (
    AppliesTo,
    Basis,
    BlackoutRange,
    CountBy,
    Counts,
    Direction,
    Level,
    OnUnknownZone,
    Policy,
    PolicyKind,
    QuietWindow,
    SameEngagement,
    TouchpointStatus,
)
from core.errors import InvalidInput

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SCOPE = ("teams", "channels", "purposes", "segments", "accounts", "contacts")
_COUNTED = ("teams", "channels", "purposes", "statuses", "directions")
_COUNTING = frozenset({PolicyKind.MIN_GAP, PolicyKind.FREQUENCY_CAP})
_COMMON = frozenset(
    {"id", "name", "kind", "level", "tz", "effective_from", "effective_until", "applies_to", "counts"}
    | {"same_engagement", "supersedes", "overridable", "basis"}
)
_OF_KIND = {
    PolicyKind.MIN_GAP: frozenset({"gap"}),
    PolicyKind.FREQUENCY_CAP: frozenset({"max", "window", "count_by"}),
    PolicyKind.BLACKOUT: frozenset({"ranges"}),
    PolicyKind.QUIET_HOURS: frozenset({"windows", "days", "on_unknown_tz"}),
    PolicyKind.CONSENT_REQUIRED: frozenset({"consent_purpose"}),
}
_E = TypeVar("_E", bound=StrEnum)


def parse_policies(documents: Iterable[Mapping[str, Any]], version: int = 0) -> tuple[Policy, ...]:
    """A whole policy set. Raises InvalidInput with `policy` (its id) and `field` at the first thing wrong."""
    policies = tuple(parse_policy(document, version) for document in documents)
    check_policy_set(policies)
    return policies


def parse_policy(document: Mapping[str, Any], version: int = 0) -> Policy:
    """One policy, checked by itself; null means absent. Raises InvalidInput."""
    source = _Document(document)
    kind = source.choice("kind", PolicyKind)
    source.refuse_unknown(_COMMON | _OF_KIND[kind])
    scope = source.inner("applies_to", _SCOPE)
    if kind in _COUNTING and "counts" not in source.given and scope.given & {"teams", "channels", "purposes"}:
        source.refuse(
            "counts_required",
            "A rule that restrains only some teams, channels or purposes must say what it counts. "
            "Give counts; {} counts everything.",
            "counts",
        )
    counts = source.inner("counts", _COUNTED)
    is_cap = kind is PolicyKind.FREQUENCY_CAP
    is_consent = kind is PolicyKind.CONSENT_REQUIRED
    policy = Policy(
        id=source.text("id", required=True) or "",
        kind=kind,
        name=source.text("name") or "",
        level=source.choice("level", Level, Level.CONTACT),
        tz=source.text("tz"),
        effective_from=source.instant("effective_from"),
        effective_until=source.instant("effective_until"),
        applies_to=AppliesTo(**{name: scope.names(name) for name in _SCOPE}),
        counts=Counts(
            teams=counts.names("teams"),
            channels=counts.names("channels"),
            purposes=counts.names("purposes"),
            statuses=counts.choices("statuses", TouchpointStatus),
            directions=counts.choices("directions", Direction),
        ),
        same_engagement=source.choice(
            "same_engagement", SameEngagement, SameEngagement.COUNT if is_cap else SameEngagement.IGNORE
        ),
        supersedes=tuple(sorted(source.names("supersedes", may_be_empty=True) or ())),
        overridable=source.flag("overridable", default=not is_consent),
        basis=source.choice("basis", Basis, Basis.ELAPSED),
        gap=source.duration("gap", required=kind is PolicyKind.MIN_GAP),
        window=source.duration("window", required=is_cap),
        max_count=source.whole_number("max", required=is_cap),
        count_by=source.choice("count_by", CountBy, CountBy.TOUCHPOINT),
        ranges=tuple(_read_range(item) for item in source.items("ranges")),
        windows=tuple(_read_window(item, source.days("days")) for item in source.items("windows")),
        on_unknown_tz=source.choice("on_unknown_tz", OnUnknownZone, OnUnknownZone.WORKSPACE),
        consent_purpose=source.text("consent_purpose"),
        version=version,
    )
    check_policy(policy)
    return policy


def write_policy(policy: Policy) -> dict[str, Any]:
    """The document of a policy; `parse_policy` gives the same policy back (its version aside)."""
    document: dict[str, Any] = {"id": policy.id, "kind": policy.kind.value, "level": policy.level.value}
    document |= _without_none(
        name=policy.name or None,
        tz=policy.tz,
        effective_from=write_instant(policy.effective_from) if policy.effective_from else None,
        effective_until=write_instant(policy.effective_until) if policy.effective_until else None,
        gap=str(policy.gap) if policy.gap else None,
        window=str(policy.window) if policy.window else None,
        max=policy.max_count,
        consent_purpose=policy.consent_purpose,
        supersedes=list(policy.supersedes) or None,
        ranges=[_write_range(spell) for spell in policy.ranges] or None,
        windows=[_write_window(window) for window in policy.windows] or None,
    )
    document["applies_to"] = {name: sorted(v) for name in _SCOPE if (v := getattr(policy.applies_to, name))}
    if policy.kind in _COUNTING:
        document["counts"] = {name: sorted(v) for name in _COUNTED if (v := getattr(policy.counts, name))}
        document["basis"] = policy.basis.value
        document["same_engagement"] = policy.same_engagement.value
    if policy.kind is PolicyKind.FREQUENCY_CAP:
        document["count_by"] = policy.count_by.value
    if policy.kind is PolicyKind.QUIET_HOURS:
        document["on_unknown_tz"] = policy.on_unknown_tz.value
    document["overridable"] = policy.overridable
    return document


class _Document:
    """A JSON object read field by field; every refusal names the policy and the field."""

    def __init__(self, document: object, path: str = "", policy_id: str | None = None) -> None:
        self._path = path
        self._policy_id = policy_id
        if not isinstance(document, Mapping):
            self.refuse("invalid_policy", "Give a JSON object here.", "")
        self._fields = {str(name): value for name, value in document.items() if value is not None}
        if not path:
            given = self._fields.get("id")
            self._policy_id = given if isinstance(given, str) else None

    @property
    def given(self) -> set[str]:
        """Names of the fields that have a value."""
        return set(self._fields)

    def refuse(self, code: str, message: str, name: str) -> NoReturn:
        field = f"{self._path}.{name}".strip(".")
        raise InvalidInput(code, message, field=field, policy=self._policy_id)

    def refuse_unknown(self, known: frozenset[str]) -> None:
        for name in sorted(self.given - known):
            self.refuse("unknown_field", f"This kind of rule has no field {name!r}.", name)

    def inner(self, name: str, known: Iterable[str]) -> _Document:
        inner = _Document(self._fields.get(name, {}), f"{self._path}.{name}".strip("."), self._policy_id)
        inner.refuse_unknown(frozenset(known))
        return inner

    def items(self, name: str) -> list[_Document]:
        value = self._fields.get(name, [])
        if not isinstance(value, list):
            self.refuse("invalid_policy", f"{name} is a list.", name)
        return [_Document(item, f"{name}[{i}]", self._policy_id) for i, item in enumerate(value)]

    def text(self, name: str, *, required: bool = False) -> str | None:
        value = self._fields.get(name)
        if value is None and not required:
            return None
        if not isinstance(value, str) or not value.strip() or len(value) > 200:
            self.refuse("invalid_policy", f"{name} is a text of 1 to 200 characters.", name)
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._fields.get(name, default)
        if not isinstance(value, bool):
            self.refuse("invalid_policy", f"{name} is true or false.", name)
        return value

    def whole_number(self, name: str, *, required: bool) -> int | None:
        value = self._fields.get(name)
        if value is None and not required:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            self.refuse("invalid_max", f"{name} is a whole number, at least 1.", name)
        return value

    def choice(self, name: str, options: type[_E], default: _E | None = None) -> _E:
        value = self._fields.get(name, default)
        try:
            return options(str(value))
        except ValueError:
            self.refuse("invalid_policy", f"{name} is one of {', '.join(options)}.", name)

    def names(self, name: str, *, may_be_empty: bool = False) -> frozenset[str] | None:
        value = self._fields.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self.refuse("invalid_policy", f"{name} is a list of ids.", name)
        if not value and not may_be_empty:
            self.refuse("empty_selector", f"{name} names nothing. Leave it out to mean all of them.", name)
        return frozenset(value)

    def choices(self, name: str, options: type[_E]) -> frozenset[_E] | None:
        value = self.names(name)
        if value is None:
            return None
        try:
            return frozenset(options(item) for item in value)
        except ValueError:
            self.refuse("invalid_policy", f"{name} holds only {', '.join(options)}.", name)

    def days(self, name: str) -> frozenset[int] | None:
        value = self.names(name)
        if value is None:
            return None
        if not value <= set(DAYS):
            self.refuse("invalid_policy", f"{name} holds only {', '.join(DAYS)}.", name)
        return frozenset(DAYS.index(day) for day in value)

    def duration(self, name: str, *, required: bool) -> Duration | None:
        value = self._fields.get(name)
        if value is None and not required:
            return None
        try:
            return parse_duration(value if isinstance(value, str) else "")
        except DurationError:
            self.refuse("invalid_duration", f"{name} is an ISO 8601 duration such as P30D or P1M.", name)

    def instant(self, name: str) -> datetime | None:
        value = self._fields.get(name)
        if value is None:
            return None
        try:
            at = datetime.fromisoformat(value)
            if at.tzinfo is None:
                raise ValueError("no zone")
            at = at.astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            self.refuse("invalid_instant", f"{name} is an instant such as 2026-12-01T00:00:00Z.", name)
        return at.replace(microsecond=at.microsecond // 1000 * 1000)

    def date(self, name: str) -> date | None:
        value = self._fields.get(name)
        if value is None:
            return None
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            self.refuse("invalid_date", f"{name} is a date such as 2026-12-24.", name)

    def wall_time(self, name: str) -> time | None:
        """A wall clock time; None is 24:00, the end of the day."""
        value = self._fields.get(name)
        if value in ("24:00", "24:00:00"):
            return None
        try:
            at = time.fromisoformat(value)  # type: ignore[arg-type]
            if at.tzinfo is not None:
                raise ValueError("has a zone")
        except (TypeError, ValueError):
            self.refuse("invalid_time", f"{name} is a wall clock time such as 08:00.", name)
        return at


def _read_range(item: _Document) -> BlackoutRange:
    item.refuse_unknown(frozenset({"from_date", "to_date", "from", "to"}))
    spell = BlackoutRange(
        from_date=item.date("from_date"),
        to_date=item.date("to_date"),
        start=item.instant("from"),
        end=item.instant("to"),
    )
    if item.given not in ({"from_date", "to_date"}, {"from", "to"}):
        item.refuse("invalid_range", "A range has from_date and to_date, or from and to.", "")
    return spell


def _read_window(item: _Document, all_days: frozenset[int] | None) -> QuietWindow:
    item.refuse_unknown(frozenset({"start", "end", "days"}))
    start = item.wall_time("start")
    if start is None:
        item.refuse("invalid_time", "A window starts before 24:00.", "start")
    own_days = item.days("days")
    return QuietWindow(start, item.wall_time("end"), own_days if own_days is not None else all_days)


def _write_range(spell: BlackoutRange) -> dict[str, str]:
    if spell.from_date is not None and spell.to_date is not None:
        return {"from_date": spell.from_date.isoformat(), "to_date": spell.to_date.isoformat()}
    assert spell.start is not None, "a range has dates or instants"
    assert spell.end is not None, "a range has dates or instants"
    return {"from": write_instant(spell.start), "to": write_instant(spell.end)}


def _write_window(window: QuietWindow) -> dict[str, Any]:
    end = "24:00" if window.end is None else _wall(window.end)
    days = None if window.days is None else [DAYS[day] for day in sorted(window.days)]
    return _without_none(start=_wall(window.start), end=end, days=days)


def _wall(at: time) -> str:
    return at.isoformat(timespec="auto") if at.second or at.microsecond else at.isoformat(timespec="minutes")


def _without_none(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
