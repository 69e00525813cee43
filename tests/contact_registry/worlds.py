"""Random worlds for property tests: rules, touchpoints and questions that meet at their boundaries.

Times are multiples of hours around clock changes, lengths are few, so that "exactly the gap" and "one
millisecond before" come up often.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import strategies as st

from contact_registry.durations import parse_duration
from contact_registry.policy_checks import never_open
from contact_registry.values import (
    TICK,
    AppliesTo,
    Basis,
    BlackoutRange,
    ConsentFact,
    ConsentState,
    ContactView,
    CountBy,
    Counts,
    Direction,
    History,
    Level,
    Policy,
    PolicyKind,
    Question,
    QuietWindow,
    RuleBook,
    SameEngagement,
    SuppressionFact,
    SuppressionSource,
    Timeline,
    TouchpointFact,
    TouchpointStatus,
)

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
ZONES = ("UTC", "Europe/Prague", "America/New_York", "Asia/Beirut", "America/Havana", "Australia/Lord_Howe")
TEAMS = ("sales", "research", "support")
CHANNELS = ("email", "phone")
PURPOSES = ("survey", "interview", "security_notice")
SERVICE = frozenset({"security_notice"})

_ELAPSED = [parse_duration(text) for text in ("PT36H", "P1D", "P2D", "P3D", "P7D", "P14D", "P30D")]
_CALENDAR = [parse_duration(text) for text in ("P1D", "P3D", "P1W", "P14D", "P1M")]
_HOURS = st.sampled_from([12, 12, 12, 12, 0, 6, 22, 23])


_STATUSES = st.sampled_from([*TouchpointStatus, *[TouchpointStatus.COMPLETED, TouchpointStatus.PLANNED] * 4])
_DIRECTIONS = st.sampled_from([*[Direction.OUTBOUND] * 7, Direction.INBOUND])
_PURPOSES_MOSTLY_OUTREACH = ["survey", "survey", "survey", "interview", "interview", "security_notice"]


@dataclass(frozen=True, slots=True)
class World:
    """One random case for `evaluate`."""

    rules: RuleBook
    history: History
    question: Question

    def with_policies(self, *policies: Policy) -> World:
        return replace(self, rules=replace(self.rules, policies=policies))

    def with_touchpoints(self, *facts: TouchpointFact) -> World:
        """The same world with these touchpoints of the person and nobody else's."""
        account = self.question.contact.account
        return replace(
            self,
            history=replace(
                self.history,
                contact=Timeline(fact for fact in facts if fact.contact == "c1"),
                account=Timeline(fact for fact in facts if account is not None and fact.account == account),
            ),
        )

    def boundaries(self) -> list[datetime]:
        """The instants at which an answer can change, and those a millisecond beside them, from the asked
        one on.
        """
        lengths = [length for p in self.rules.policies if (length := p.gap or p.window)]
        steps = {
            timedelta(0),
            *(sign * timedelta(days=n.days, microseconds=n.microseconds) for n in lengths for sign in (1, -1)),
        }
        starts = {fact.at or fact.sort_key + timedelta(hours=14) for fact in self.touchpoints}
        edges = {edge for p in self.rules.policies for edge in (p.effective_from, p.effective_until) if edge}
        edges |= {record.effective_from for record in self.history.consents}
        edges |= {stop.ends_at for stop in self.history.suppressions if stop.ends_at}
        edges |= {start + step for start in starts for step in steps}
        near = {edge + beside for edge in edges for beside in (-TICK, timedelta(0), TICK)}
        return sorted(at for at in near | {self.question.at} if at >= self.question.at)

    @property
    def touchpoints(self) -> tuple[TouchpointFact, ...]:
        """Everybody's touchpoints, each once."""
        both = {fact.id: fact for fact in (*self.history.contact, *self.history.account)}
        return tuple(both.values())


def instants(first_day: int = -15, last_day: int = 25) -> st.SearchStrategy[datetime]:
    """Instants around NOW, mostly at noon and sometimes a millisecond beside it, so that they often meet."""
    return st.builds(
        lambda day, hour, beside: (
            NOW.replace(hour=0) + timedelta(days=day, hours=hour) + timedelta(milliseconds=beside)
        ),
        st.integers(first_day, last_day),
        _HOURS,
        st.sampled_from([0, 0, 0, 0, 0, 0, 1, -1]),
    )


def days() -> st.SearchStrategy[date]:
    return st.builds(lambda day: NOW.date() + timedelta(days=day), st.integers(-15, 25))


@st.composite
def touchpoints(draw: st.DrawFn, index: int = 0, *, exact: bool = False) -> TouchpointFact:
    """One touchpoint of c1 or of a colleague; `exact` gives it a time of day and lets it count by default."""
    date_only = not exact and draw(st.integers(0, 5)) == 0
    status = TouchpointStatus.COMPLETED if exact else draw(_STATUSES)
    return TouchpointFact(
        id=f"t{index:02d}",
        contact=draw(st.sampled_from(["c1", "c1", "c2", "c3"])),
        account="acme",
        at=None if date_only else draw(instants()),
        date=draw(days()) if date_only else None,
        team=draw(st.sampled_from(TEAMS)),
        channel=draw(st.sampled_from(CHANNELS)),
        purpose=draw(st.sampled_from(PURPOSES[:2] if exact else _PURPOSES_MOSTLY_OUTREACH)),
        status=status,
        direction=Direction.OUTBOUND if exact else draw(_DIRECTIONS),
        engagement=draw(st.sampled_from([None, "A", "B", "C"])),
        expires_at=draw(instants(-1, 1)) if status is TouchpointStatus.RESERVED else None,
        tz=draw(st.sampled_from([None, *ZONES])),
    )


def rows_of_touchpoints(*, exact: bool = False, most: int = 10) -> st.SearchStrategy[list[TouchpointFact]]:
    return st.integers(min(most, 3), most).flatmap(
        lambda number: st.tuples(*(touchpoints(index, exact=exact) for index in range(number))).map(list)
    )


def _subset(items: tuple[str, ...]) -> st.SearchStrategy[frozenset[str] | None]:
    return st.none() | st.none() | st.sets(st.sampled_from(items), min_size=1).map(frozenset)


@st.composite
def counting_policies(draw: st.DrawFn, ref: str, kind: PolicyKind | None = None, *, plain: bool = False) -> Policy:
    """A gap or a cap; `plain`: no scope, no season, everything counted."""
    kind = kind or draw(st.sampled_from([PolicyKind.MIN_GAP, PolicyKind.FREQUENCY_CAP]))
    basis = draw(st.sampled_from(Basis))
    length = draw(st.sampled_from(_ELAPSED if basis is Basis.ELAPSED else _CALENDAR))
    level = draw(st.sampled_from(Level))
    zones: list[str | None] = [None, *ZONES] if level is Level.ACCOUNT or plain else [None, "contact", *ZONES]
    is_cap = kind is PolicyKind.FREQUENCY_CAP
    policy = Policy(
        id=ref,
        kind=kind,
        level=level,
        tz=draw(st.sampled_from(zones)),
        basis=basis,
        gap=None if is_cap else length,
        window=length if is_cap else None,
        max_count=draw(st.integers(1, 3)) if is_cap else None,
        same_engagement=SameEngagement.COUNT if is_cap else SameEngagement.IGNORE,
    )
    if plain or draw(st.booleans()):
        return replace(policy, count_by=draw(st.sampled_from(CountBy))) if is_cap and not plain else policy
    counts = Counts(
        teams=draw(_subset(TEAMS)),
        channels=draw(_subset(CHANNELS)),
        purposes=draw(_subset(PURPOSES)),
        statuses=draw(st.none() | st.just(frozenset({TouchpointStatus.NO_SHOW, TouchpointStatus.PLANNED}))),
    )
    return replace(
        policy,
        applies_to=AppliesTo(teams=draw(_subset(TEAMS)), purposes=draw(_subset(PURPOSES))),
        counts=counts,
        count_by=draw(st.sampled_from(CountBy)) if is_cap else CountBy.TOUCHPOINT,
        same_engagement=draw(st.sampled_from(SameEngagement)),
    )


@st.composite
def time_policies(draw: st.DrawFn, ref: str) -> Policy:
    """A blackout or quiet hours."""
    zone = draw(st.sampled_from(["contact", *ZONES]))
    if draw(st.booleans()):
        first = draw(days())
        dates = BlackoutRange(first, first + timedelta(days=draw(st.integers(0, 20))))
        start = draw(instants())
        spell = BlackoutRange(start=start, end=start + timedelta(hours=draw(st.integers(1, 100))))
        return Policy(id=ref, kind=PolicyKind.BLACKOUT, tz=zone, ranges=(dates, spell))
    windows = draw(st.lists(quiet_windows(), min_size=1, max_size=3).filter(lambda w: not never_open(w)))
    return Policy(id=ref, kind=PolicyKind.QUIET_HOURS, tz=zone, windows=tuple(windows))


@st.composite
def quiet_windows(draw: st.DrawFn) -> QuietWindow:
    clock = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
    start = draw(clock)
    end = draw(st.none() | clock.filter(lambda at: at != start))
    on = draw(st.none() | st.sets(st.integers(0, 6), min_size=1).map(frozenset))
    return QuietWindow(start, end, on)


@st.composite
def policy_sets(draw: st.DrawFn) -> tuple[Policy, ...]:
    """Up to five rules of any kind, some of them seasonal, some superseding earlier ones."""
    made: list[Policy] = []
    for index in range(draw(st.sampled_from([0, 1, 1, 2, 2, 3, 5]))):
        ref = f"p{index}"
        kind = draw(st.integers(0, 6))
        if kind <= 3:
            policy = draw(counting_policies(ref))
        elif kind <= 5:
            policy = draw(time_policies(ref))
        else:
            policy = Policy(id=ref, kind=PolicyKind.CONSENT_REQUIRED, overridable=False)
        if draw(st.integers(0, 4)) == 0:
            begins = draw(instants())
            length = timedelta(days=draw(st.integers(1, 30)))
            policy = replace(policy, effective_from=begins, effective_until=begins + length)
        targets = [p.id for p in made if p.kind is not PolicyKind.CONSENT_REQUIRED]
        if targets and draw(st.integers(0, 4)) == 0:
            policy = replace(policy, supersedes=(draw(st.sampled_from(targets)),))
        made.append(policy)
    return tuple(made)


@st.composite
def suppressions(draw: st.DrawFn, ref: str) -> SuppressionFact:
    starts = draw(st.none() | instants())
    return SuppressionFact(
        id=ref,
        source=draw(st.sampled_from(SuppressionSource)),
        contact=draw(st.sampled_from(["c1", "c2"])),
        channels=draw(_subset(CHANNELS)),
        purposes=draw(_subset(PURPOSES)),
        starts_at=starts,
        ends_at=(starts or NOW) + timedelta(days=draw(st.integers(1, 40))) if draw(st.booleans()) else None,
    )


def consents() -> st.SearchStrategy[list[ConsentFact]]:
    one = st.builds(
        lambda purpose, channel, state, begins, length: ConsentFact(
            "c1", purpose, channel, state, begins, None if length is None else begins + timedelta(days=length)
        ),
        st.sampled_from(PURPOSES),
        st.none() | st.sampled_from(CHANNELS),
        st.sampled_from(ConsentState),
        instants(),
        st.none() | st.integers(1, 40),
    )
    return st.lists(one, max_size=4)


@st.composite
def questions(draw: st.DrawFn, *, plain: bool = False) -> Question:
    contact = ContactView(
        id="c1",
        account="acme" if plain else draw(st.sampled_from(["acme", None])),
        tz=draw(st.sampled_from([None, *ZONES])),
        account_tz=draw(st.sampled_from([None, "Asia/Tokyo"])),
        segments=frozenset({"panel"}),
    )
    return Question(
        contact=contact,
        at=draw(instants(0, 20)),
        team=draw(st.sampled_from(TEAMS)),
        channel=draw(st.sampled_from(CHANNELS)),
        purpose=draw(st.sampled_from(PURPOSES[:2] if plain else _PURPOSES_MOSTLY_OUTREACH)),
        engagement=draw(st.sampled_from([None, "A", "B"])),
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Anything goes."""
    question = draw(questions())
    stops = [draw(suppressions(f"s{index}")) for index in range(draw(st.sampled_from([0, 0, 0, 1, 2])))]
    world = World(
        rules=RuleBook(draw(policy_sets()), 7, draw(st.sampled_from(ZONES)), SERVICE),
        history=History(suppressions=tuple(stops), consents=tuple(draw(consents()))),
        question=question,
    )
    return world.with_touchpoints(*draw(rows_of_touchpoints()))


@st.composite
def plain_worlds(draw: st.DrawFn, *, elapsed: bool = False, most: int = 10) -> World:
    """One to three plain counting rules, every touchpoint counted and its time known."""
    number = draw(st.integers(1, 3))
    policies = [draw(counting_policies(f"p{index}", plain=True)) for index in range(number)]
    if elapsed:
        policies = [
            replace(p, basis=Basis.ELAPSED, gap=p.gap and _ELAPSED[-2], window=p.window and _ELAPSED[-3])
            for p in policies
        ]
    world = World(
        rules=RuleBook(tuple(policies), 7, draw(st.sampled_from(ZONES)), SERVICE),
        history=History(),
        question=draw(questions(plain=True)),
    )
    return world.with_touchpoints(*draw(rows_of_touchpoints(exact=True, most=most)))
