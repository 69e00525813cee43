"""What makes a policy, or a set of them, impossible: refused with 422 before it can be stored.

`validation.parse_policies` calls this on everything that comes in; the codes are part of the contract.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time, timedelta

from contact_registry.durations import Duration
from contact_registry.values import (
    Basis,
    BlackoutRange,
    Level,
    Policy,
    PolicyKind,
    QuietWindow,
    TouchpointStatus,
)
from contact_registry.zones import zone_exists
from core.errors import InvalidInput

LONGEST_RULE = timedelta(days=36525)  # a hundred years: beyond any cool-down, within what dates can hold
_DAY_S = 86400
_WEEK_S = 7 * _DAY_S
_UNCOUNTABLE = frozenset({TouchpointStatus.EXPIRED, TouchpointStatus.VOIDED})


def check_policy(policy: Policy) -> None:
    """Refuse a policy that means nothing or can never be kept. Raises InvalidInput."""
    _check_zone(policy)
    for name, length in (("gap", policy.gap), ("window", policy.window)):
        if length is not None:
            _check_length(policy, name, length)
    begins, ends = policy.effective_from, policy.effective_until
    if begins is not None and ends is not None and begins >= ends:
        _refuse(policy, "empty_season", "effective_until must be later than effective_from.", "effective_until")
    if policy.counts.statuses is not None and policy.counts.statuses & _UNCOUNTABLE:
        _refuse(policy, "uncountable_status", "Expired and voided touchpoints never count.", "counts.statuses")
    if policy.kind is PolicyKind.CONSENT_REQUIRED and policy.overridable:
        _refuse(policy, "consent_not_overridable", "Nobody may override missing consent.", "overridable")
    if policy.kind is PolicyKind.BLACKOUT:
        if not policy.ranges:
            _refuse(policy, "ranges_required", "A blackout needs at least one range.", "ranges")
        for spell in policy.ranges:
            _check_range(policy, spell)
    if policy.kind is PolicyKind.QUIET_HOURS:
        _check_windows(policy)


def check_policy_set(policies: Sequence[Policy]) -> None:
    """Refuse a set with repeated ids, or with `supersedes` that is unknown, circular or about consent."""
    by_id: dict[str, Policy] = {}
    for policy in policies:
        if policy.id in by_id:
            _refuse(policy, "duplicate_policy", "Two rules have this id. Give each rule its own.", "id")
        by_id[policy.id] = policy
    for policy in policies:
        for ref in policy.supersedes:
            if ref not in by_id:
                _refuse(policy, "unknown_policy", f"supersedes names {ref!r}, which is no rule here.", "supersedes")
            if by_id[ref].kind is PolicyKind.CONSENT_REQUIRED:
                _refuse(policy, "supersedes_consent", "A consent rule cannot be superseded.", "supersedes")
    _check_cycles(by_id)


def never_open(windows: Sequence[QuietWindow]) -> bool:
    """True when the windows leave no moment of the week open."""
    covered: list[tuple[int, int]] = []
    for window in windows:
        start = _seconds(window.start)
        length = (_DAY_S if window.end is None else _seconds(window.end)) - start
        if length <= 0:
            length += _DAY_S
        for day in range(7) if window.days is None else window.days:
            begin = day * _DAY_S + start
            covered += [(begin, begin + length), (begin - _WEEK_S, begin + length - _WEEK_S)]
    reached = 0
    for begin, end in sorted(covered):
        if begin > reached:
            return False
        reached = max(reached, end)
    return reached >= _WEEK_S


def _check_zone(policy: Policy) -> None:
    if policy.tz is None:
        return
    if policy.tz == "contact":
        if policy.level is Level.ACCOUNT:
            _refuse(policy, "account_rule_in_contact_zone", "A rule of accounts needs one fixed zone.", "tz")
    elif not zone_exists(policy.tz):
        _refuse(policy, "unknown_tz", f"{policy.tz!r} is no IANA time zone such as Europe/Prague.", "tz")


def _check_length(policy: Policy, name: str, length: Duration) -> None:
    if length.is_zero:
        _refuse(policy, "duration_not_positive", f"{name} must be longer than nothing.", name)
    if length.longest > LONGEST_RULE:
        _refuse(policy, "duration_too_long", f"{name} is longer than a hundred years.", name)
    if policy.basis is Basis.ELAPSED and length.months:
        _refuse(policy, "months_need_calendar", f"{name} has months or years; they need basis: calendar.", name)
    if policy.basis is Basis.CALENDAR and length.microseconds:
        _refuse(policy, "calendar_needs_days", f"{name} must be whole days with basis: calendar.", name)
    if length.microseconds % 1000:
        _refuse(policy, "invalid_duration", f"{name} must be whole milliseconds.", name)


def _check_range(policy: Policy, spell: BlackoutRange) -> None:
    dates_turned = spell.from_date and spell.to_date and spell.to_date < spell.from_date
    instants_turned = spell.start and spell.end and spell.end <= spell.start
    if dates_turned or instants_turned:
        _refuse(policy, "invalid_range", "A range must end after it begins.", "ranges")


def _check_windows(policy: Policy) -> None:
    if not policy.windows:
        _refuse(policy, "windows_required", "Quiet hours need at least one window.", "windows")
    for window in policy.windows:
        if window.end == window.start:
            _refuse(
                policy,
                "invalid_window",
                "A window must end at another time than it starts; 00:00 to 24:00 is a whole day.",
                "windows",
            )
    if never_open(policy.windows):
        _refuse(policy, "never_open", "These windows leave no moment of the week open.", "windows")


def _check_cycles(by_id: dict[str, Policy]) -> None:
    settled: set[str] = set()
    for root in by_id:
        path: list[str] = []
        _walk(root, by_id, path, settled)


def _walk(ref: str, by_id: dict[str, Policy], path: list[str], settled: set[str]) -> None:
    if ref in path:
        circle = " -> ".join([*path[path.index(ref) :], ref])
        _refuse(by_id[ref], "supersedes_cycle", f"Rules supersede each other in a circle: {circle}.", "supersedes")
    if ref in settled:
        return
    path.append(ref)
    for target in by_id[ref].supersedes:
        _walk(target, by_id, path, settled)
    path.pop()
    settled.add(ref)


def _seconds(at: time) -> int:
    # A started second counts as quiet, so that a sub-second opening is not taken for an open week.
    return at.hour * 3600 + at.minute * 60 + at.second


def _refuse(policy: Policy, code: str, message: str, field: str) -> None:
    raise InvalidInput(code, message, field=field, policy=policy.id)
