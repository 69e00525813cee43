"""The values the contact registry reasons about: rules, facts, questions and decisions.

Nothing here knows a database, a clock or a web framework. The repository builds facts from rows, the
evaluator (`eligibility.evaluate`) turns facts and a question into a `Decision`, and the API writes that out.
All instants are aware and in UTC, on whole milliseconds (`TICK`): what the API accepts and stores.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from contact_registry.durations import Duration
from contact_registry.quick_values import quick_value
from contact_registry.terms import (
    HARD_SOURCES,
    LIVE_STATUSES,
    Badge,
    Basis,
    ConsentState,
    CountBy,
    Direction,
    Level,
    OnUnknownZone,
    PolicyKind,
    ReasonCode,
    SameEngagement,
    Status,
    SuppressionSource,
    TouchpointStatus,
    Verdict,
    ZoneSource,
)
from contact_registry.timeline import Timeline, TouchpointFact

__all__ = [
    "HARD_SOURCES",
    "LIVE_STATUSES",
    "TICK",
    "AddressKeys",
    "AppliesTo",
    "Badge",
    "Basis",
    "BlackoutRange",
    "Blocking",
    "ConsentFact",
    "ConsentState",
    "ContactView",
    "CountBy",
    "Counts",
    "Decision",
    "Direction",
    "Duration",
    "History",
    "Level",
    "Limit",
    "OnUnknownZone",
    "Policy",
    "PolicyKind",
    "Question",
    "QuietWindow",
    "Reason",
    "ReasonCode",
    "RuleBook",
    "SameEngagement",
    "Status",
    "SuppressionFact",
    "SuppressionSource",
    "Timeline",
    "TouchpointFact",
    "TouchpointStatus",
    "Verdict",
    "ZoneSource",
]

TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class AppliesTo:
    """Which proposals a policy restrains. None = all; purposes None = all outreach purposes."""

    teams: frozenset[str] | None = None
    channels: frozenset[str] | None = None
    purposes: frozenset[str] | None = None
    segments: frozenset[str] | None = None
    accounts: frozenset[str] | None = None
    contacts: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Which touchpoints feed a policy's counter. None = all outreach, outbound, in a live status."""

    teams: frozenset[str] | None = None
    channels: frozenset[str] | None = None
    purposes: frozenset[str] | None = None
    statuses: frozenset[TouchpointStatus] | None = None
    directions: frozenset[Direction] | None = None


@dataclass(frozen=True, slots=True)
class BlackoutRange:
    """Either local dates, inclusive at both ends, or instants [start, end)."""

    from_date: date | None = None
    to_date: date | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class QuietWindow:
    """Local wall clock [start, end); `end` None is 24:00; end before start wraps midnight.

    `days` (0 = Monday) are the days on which a window starts; None = every day.
    """

    start: time
    end: time | None
    days: frozenset[int] | None = None

    @property
    def wraps(self) -> bool:
        return self.end is not None and self.end <= self.start


@dataclass(frozen=True, slots=True)
class Policy:
    """One rule, as b.2 of the specification; fields that a kind does not use keep their defaults.

    `tz` None is the workspace's zone, "contact" the person's. `version` is that of the activated set.
    """

    id: str
    kind: PolicyKind
    name: str = ""
    level: Level = Level.CONTACT
    tz: str | None = None
    effective_from: datetime | None = None
    effective_until: datetime | None = None
    applies_to: AppliesTo = field(default_factory=AppliesTo)
    counts: Counts = field(default_factory=Counts)
    same_engagement: SameEngagement = SameEngagement.IGNORE
    supersedes: tuple[str, ...] = ()
    overridable: bool = True
    basis: Basis = Basis.ELAPSED
    gap: Duration | None = None
    window: Duration | None = None
    max_count: int | None = None
    count_by: CountBy = CountBy.TOUCHPOINT
    ranges: tuple[BlackoutRange, ...] = ()
    windows: tuple[QuietWindow, ...] = ()
    on_unknown_tz: OnUnknownZone = OnUnknownZone.WORKSPACE
    consent_purpose: str | None = None
    version: int = 0

    @property
    def title(self) -> str:
        """The name people see; the id where nobody gave one."""
        return self.name or self.id


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The policy set in force and what the workspace says about zones and purposes.

    Purposes that are not in `service_purposes` are outreach.
    """

    policies: tuple[Policy, ...] = ()
    version: int = 0
    tz: str = "UTC"
    service_purposes: frozenset[str] = frozenset()


@quick_value
class AddressKeys:
    """How one address is compared with suppressions: opaque tokens made by `addresses.address_keys`.

    `exact` holds the address as it is (one token per pepper key), `loose` also the form without its +tag.
    `domain` is the e-mail domain as A-label; None for phones.
    """

    exact: frozenset[str]
    loose: frozenset[str]
    domain: str | None = None


@quick_value
class SuppressionFact:
    """A stop sign. Exactly one of contact, account, domain and address names its subject.

    `channels`/`purposes` None = all. In force in [starts_at, ends_at); None = open.
    """

    id: str
    source: SuppressionSource
    contact: str | None = None
    account: str | None = None
    domain: str | None = None
    address: AddressKeys | None = None
    channels: frozenset[str] | None = None
    purposes: frozenset[str] | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@quick_value
class ConsentFact:
    """One line of the append-only consent log; `channel` None = any channel."""

    contact: str
    purpose: str
    channel: str | None
    state: ConsentState
    effective_from: datetime
    effective_until: datetime | None = None


@quick_value
class ContactView:
    """The person asked about, as known now. `id` None: an address nobody has on file (or that was erased)."""

    id: str | None
    account: str | None = None
    tz: str | None = None
    account_tz: str | None = None
    segments: frozenset[str] = frozenset()
    addresses: tuple[AddressKeys, ...] = ()
    account_name: str | None = None


@quick_value
class Question:
    """May this team contact this person at this time in this way?

    `address`: the one that would be used (a hard bounce covers only that one). `ignoring`: touchpoints left
    out, which is how a reschedule does not collide with itself.
    """

    contact: ContactView
    at: datetime
    team: str
    channel: str
    purpose: str
    engagement: str | None = None
    direction: Direction = Direction.OUTBOUND
    address: AddressKeys | None = None
    ignoring: frozenset[str] = frozenset()


@quick_value
class History:
    """All that is known about one person.

    `contact` holds their own touchpoints, `account` every touchpoint whose snapshot account is their current
    account, their own included.
    """

    contact: Timeline = field(default_factory=Timeline)
    account: Timeline = field(default_factory=Timeline)
    suppressions: tuple[SuppressionFact, ...] = ()
    consents: tuple[ConsentFact, ...] = ()


@quick_value
class Blocking:
    """A touchpoint that stands in the way; never its notes. `date` is set where the time is unknown."""

    touchpoint: str
    at: datetime | None
    date: date | None
    team: str
    channel: str
    purpose: str
    status: TouchpointStatus
    expires_at: datetime | None = None


@quick_value
class Limit:
    """How full the fullest window is, the proposal not included."""

    max_count: int
    window: Duration
    count: int


@quick_value
class Reason:
    """One failing rule. `clears_at`: first instant from the asked one on at which it passes; None = never."""

    code: ReasonCode
    ref: str
    policy_name: str
    policy_version: int
    level: Level
    blocking: tuple[Blocking, ...]
    limit: Limit | None
    clears_at: datetime | None
    overridable: bool
    source: SuppressionSource | None = None  # of a suppression: shown to the privacy role only
    policy: Policy | None = None


@quick_value
class Decision:
    """The answer. `zone` is the person's, with where it came from; `contact` None for an unknown person."""

    decision: Verdict
    status: Status
    badge: Badge
    contact: str | None
    at: datetime
    checked_at: datetime
    next_eligible_at: datetime | None
    may_improve_at: datetime | None
    reasons: tuple[Reason, ...]
    policy_version: int
    zone: str
    zone_source: ZoneSource
    account_name: str | None = None  # for the wording of account rules; the id where there is no name

    @property
    def eligible(self) -> bool:
        return self.decision is Verdict.ELIGIBLE
