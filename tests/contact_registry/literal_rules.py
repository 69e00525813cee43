"""The rules of the specification read literally, one instant at a time, with no search and no shortcuts.

A second reading of section b.2 that shares no code with the policies except zone arithmetic, to compare with.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from contact_registry.suppression import covers
from contact_registry.values import (
    LIVE_STATUSES,
    Basis,
    ConsentState,
    CountBy,
    Direction,
    Level,
    Policy,
    PolicyKind,
    SameEngagement,
    TouchpointFact,
)
from contact_registry.zones import add_calendar, first_instant, local_date, zone_of
from tests.contact_registry.worlds import World


def failing(world: World, at: datetime, now: datetime) -> set[str]:
    """Ids of everything that stands in the way at `at`."""
    service = world.rules.service_purposes
    stops = {
        stop.id
        for stop in world.history.suppressions
        if covers(stop, world.question, service)
        and (stop.starts_at is None or stop.starts_at <= at)
        and (stop.ends_at is None or at < stop.ends_at)
    }
    in_force = [p for p in world.rules.policies if gates(p, world) and in_season(p, at)]
    superseded = {ref for policy in in_force for ref in policy.supersedes}
    return stops | {p.id for p in in_force if p.id not in superseded and not passes(p, world, at, now)}


def in_season(policy: Policy, at: datetime) -> bool:
    since, until = policy.effective_from, policy.effective_until
    return (since is None or since <= at) and (until is None or at < until)


def gates(policy: Policy, world: World) -> bool:
    asked, scope = world.question, policy.applies_to
    if policy.level is Level.ACCOUNT and asked.contact.account is None:
        return False
    if scope.purposes is None and asked.purpose in world.rules.service_purposes:
        return False
    pairs = ((scope.purposes, asked.purpose), (scope.teams, asked.team), (scope.channels, asked.channel))
    return all(chosen is None or value in chosen for chosen, value in pairs)


def passes(policy: Policy, world: World, at: datetime, now: datetime) -> bool:
    zone = zone_for(policy, world)
    if policy.kind is PolicyKind.BLACKOUT:
        day = local_date(at, zone)
        return not any(
            (r.from_date and r.to_date and r.from_date <= day <= r.to_date)
            or (r.start and r.end and r.start <= at < r.end)
            for r in policy.ranges
        )
    if policy.kind is PolicyKind.QUIET_HOURS:
        return not quiet(policy, at.astimezone(zone_of(zone)).replace(tzinfo=None))
    if policy.kind is PolicyKind.CONSENT_REQUIRED:
        return consented(world, at)
    counted = [fact for fact in world.touchpoints if counts(policy, world, fact, now)]
    if policy.kind is PolicyKind.MIN_GAP:
        return gap_holds(policy, world, counted, at)
    return cap_holds(policy, world, counted, at)


def zone_for(policy: Policy, world: World) -> str:
    contact = world.question.contact
    if policy.tz == "contact":
        return contact.tz or contact.account_tz or world.rules.tz
    return policy.tz or world.rules.tz


def counts(policy: Policy, world: World, fact: TouchpointFact, now: datetime) -> bool:
    asked, chosen = world.question, policy.counts
    if policy.level is Level.CONTACT and fact.contact != asked.contact.id:
        return False
    if policy.level is Level.ACCOUNT and fact.account != asked.contact.account:
        return False
    if fact.expires_at is not None and fact.status.value == "reserved" and now >= fact.expires_at:
        return False
    if fact.status not in (LIVE_STATUSES if chosen.statuses is None else chosen.statuses):
        return False
    if fact.direction not in (chosen.directions or {Direction.OUTBOUND}):
        return False
    if chosen.purposes is None and fact.purpose in world.rules.service_purposes:
        return False
    own = asked.engagement is not None and fact.engagement == asked.engagement
    if own and policy.same_engagement is SameEngagement.IGNORE:
        return False
    pairs = ((chosen.purposes, fact.purpose), (chosen.teams, fact.team), (chosen.channels, fact.channel))
    return all(names is None or value in names for names, value in pairs)


def bounds(policy: Policy, world: World, fact: TouchpointFact) -> tuple[datetime, datetime]:
    """When the touchpoint begins and when it is over: one instant, or the whole of a day without time."""
    if fact.at is not None:
        return fact.at, fact.at
    assert fact.date is not None
    if policy.basis is Basis.CALENDAR:
        start = first_instant(fact.date, zone_for(policy, world))
        return start, start
    contact = world.question.contact
    zone = fact.tz or contact.tz or contact.account_tz or world.rules.tz
    return first_instant(fact.date, zone), first_instant(fact.date + timedelta(days=1), zone)


def plus(policy: Policy, world: World, at: datetime) -> datetime:
    length = policy.gap or policy.window
    assert length is not None
    if policy.basis is Basis.ELAPSED:
        return at + length.elapsed
    zone = zone_for(policy, world)
    return first_instant(add_calendar(local_date(at, zone), length), zone)


def gap_holds(policy: Policy, world: World, counted: list[TouchpointFact], at: datetime) -> bool:
    for fact in counted:
        begins, ends = bounds(policy, world, fact)
        after = ends <= at and plus(policy, world, ends) <= at
        before = at <= begins and plus(policy, world, at) <= begins
        if not (after or before):
            return False
    return True


def cap_holds(policy: Policy, world: World, counted: list[TouchpointFact], at: datetime) -> bool:
    assert policy.max_count is not None
    reach = {fact.id: bounds(policy, world, fact) for fact in counted}
    windows = [(at, plus(policy, world, at))]
    windows += [(begins, plus(policy, world, ends)) for begins, ends in reach.values()]
    for opens, closes in windows:
        if opens <= at < closes:
            held = {key(policy, fact) for fact in counted if opens <= reach[fact.id][0] < closes}
            if len(held | {own_key(policy, world)}) > max(policy.max_count, len(held)):
                return False
    return True


def key(policy: Policy, fact: TouchpointFact) -> str:
    if policy.count_by is CountBy.ENGAGEMENT and fact.engagement is not None:
        return f"engagement {fact.engagement}"
    if policy.count_by is CountBy.CONTACT:
        return f"contact {fact.contact}"
    return f"touchpoint {fact.id}"


def own_key(policy: Policy, world: World) -> str:
    if policy.count_by is CountBy.ENGAGEMENT and world.question.engagement is not None:
        return f"engagement {world.question.engagement}"
    if policy.count_by is CountBy.CONTACT:
        return f"contact {world.question.contact.id}"
    return "the proposal"


def quiet(policy: Policy, wall: datetime) -> bool:
    """Every window is tried on the day itself and the day before, minute by minute of the wall clock."""
    for window in policy.windows:
        for back in (0, 1):
            day = wall.date() - timedelta(days=back)
            if window.days is not None and day.weekday() not in window.days:
                continue
            start = datetime.combine(day, window.start)
            if window.end is None:
                end = datetime.combine(day + timedelta(days=1), datetime.min.time())
            else:
                end = datetime.combine(day + timedelta(days=1 if window.end <= window.start else 0), window.end)
            if start <= wall < end:
                return True
    return False


def consented(world: World, at: datetime) -> bool:
    asked = world.question
    begun = [
        record
        for record in world.history.consents
        if record.purpose == asked.purpose and record.channel in (None, asked.channel) and record.effective_from <= at
    ]
    if not begun:
        return False
    latest = max(record.effective_from for record in begun)
    deciding = [record for record in begun if record.effective_from == latest]
    return all(
        r.state is ConsentState.GRANTED and (r.effective_until is None or at < r.effective_until) for r in deciding
    )
