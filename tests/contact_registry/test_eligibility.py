"""Answers that neither the worked cases nor the invariants pin down."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from contact_registry.addresses import address_keys
from contact_registry.durations import parse_duration
from contact_registry.eligibility import evaluate, usage_of_caps
from contact_registry.values import (
    TICK,
    AppliesTo,
    Badge,
    Basis,
    BlackoutRange,
    ContactView,
    CountBy,
    Counts,
    Decision,
    Direction,
    History,
    Level,
    OnUnknownZone,
    Policy,
    PolicyKind,
    Question,
    QuietWindow,
    RuleBook,
    SameEngagement,
    Status,
    SuppressionFact,
    SuppressionSource,
    Timeline,
    TouchpointFact,
    TouchpointStatus,
)

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)
GAP30 = Policy("gap30", PolicyKind.MIN_GAP, gap=parse_duration("P30D"))
CAP2 = Policy(
    "cap2",
    PolicyKind.FREQUENCY_CAP,
    window=parse_duration("P30D"),
    max_count=2,
    same_engagement=SameEngagement.COUNT,
)
JANE = ContactView("jane", addresses=(address_keys("a@corp.example"), address_keys("b@corp.example")))


def ask(
    *policies: Policy,
    at: datetime = NOW,
    facts: tuple[TouchpointFact, ...] = (),
    stops: tuple[SuppressionFact, ...] = (),
    contact: ContactView = JANE,
    channel: str = "email",
    address: str | None = None,
    direction: Direction = Direction.OUTBOUND,
) -> Decision:
    keys = address_keys(address) if address else None
    question = Question(contact, at, "research", channel, "survey", address=keys, direction=direction)
    history = History(Timeline(facts), Timeline(facts), stops)
    return evaluate(RuleBook(policies, 1), history, question, NOW)


def touch(ref: str, at: datetime, status: TouchpointStatus = TouchpointStatus.COMPLETED) -> TouchpointFact:
    expires = NOW + timedelta(minutes=15) if status is TouchpointStatus.RESERVED else None
    return TouchpointFact(ref, "jane", "sales", "phone", "call", status, at, expires_at=expires)


def stop(source: SuppressionSource, address: str) -> SuppressionFact:
    return SuppressionFact("s1", source, address=address_keys(address))


def test_a_bounce_covers_only_its_mailbox_and_only_mail() -> None:
    bounce = (stop(SuppressionSource.HARD_BOUNCE, "a@corp.example"),)
    assert not ask(stops=bounce, address="a@corp.example").eligible
    assert ask(stops=bounce, address="b@corp.example").eligible
    assert ask(stops=bounce, address="a@corp.example", channel="phone").eligible
    assert ask(stops=bounce).eligible  # b still works
    only_a = replace(JANE, addresses=JANE.addresses[:1])
    assert not ask(stops=bounce, contact=only_a).eligible


def test_an_opt_out_of_one_address_covers_the_whole_person_whatever_address_is_used() -> None:
    opted_out = (stop(SuppressionSource.OPT_OUT, "a@corp.example"),)
    assert ask(stops=opted_out, address="b@corp.example").badge is Badge.DO_NOT_CONTACT


def test_a_pause_ends_by_itself_and_cannot_be_overridden() -> None:
    pause = SuppressionFact("s1", SuppressionSource.MANUAL, contact="jane", ends_at=NOW + DAY)
    decision = ask(stops=(pause,))
    assert decision.next_eligible_at == NOW + DAY
    assert decision.reasons[0].clears_at == NOW + DAY
    assert not decision.reasons[0].overridable
    assert ask(stops=(pause,), at=NOW + DAY).eligible


def test_an_account_can_be_suppressed() -> None:
    closed = (SuppressionFact("s1", SuppressionSource.LEGAL, account="acme"),)
    assert not ask(stops=closed, contact=replace(JANE, account="acme")).eligible
    assert ask(stops=closed).eligible


def test_the_badge_is_reserved_only_when_nothing_but_live_holds_is_in_the_way() -> None:
    hold = touch("h", NOW + 2 * DAY, TouchpointStatus.RESERVED)
    held = ask(GAP30, facts=(hold,))
    assert (held.status, held.badge) == (Status.COOLING_DOWN, Badge.RESERVED)
    assert held.may_improve_at == hold.expires_at
    both = ask(GAP30, facts=(hold, touch("t", NOW - DAY)))
    assert both.badge is Badge.COOLING_DOWN
    assert both.next_eligible_at == hold.at + timedelta(days=30) if hold.at else None
    assert both.may_improve_at == hold.expires_at


def test_a_hold_that_changes_nothing_is_not_worth_waiting_for() -> None:
    hold = touch("h", NOW - 2 * DAY, TouchpointStatus.RESERVED)
    assert ask(GAP30, facts=(hold, touch("t", NOW - DAY))).may_improve_at is None


def test_two_holds_that_must_both_lapse_improve_when_the_second_does() -> None:
    first = touch("h1", NOW + DAY, TouchpointStatus.RESERVED)
    second = replace(touch("h2", NOW + DAY, TouchpointStatus.RESERVED), expires_at=NOW + timedelta(minutes=20))
    assert ask(GAP30, facts=(first, second)).may_improve_at == second.expires_at


def test_an_unknown_person_has_a_badge_of_their_own() -> None:
    assert ask(GAP30, contact=ContactView(None)).badge is Badge.UNKNOWN_PERSON


def test_a_call_from_the_customer_is_restrained_by_nothing_that_counts_our_own_calls() -> None:
    facts = (touch("t", NOW - DAY),)
    assert not ask(GAP30, facts=facts).eligible
    assert ask(GAP30, facts=facts, direction=Direction.INBOUND).eligible
    counts_both = replace(GAP30, counts=Counts(directions=frozenset(Direction)))
    assert not ask(counts_both, facts=facts, direction=Direction.INBOUND).eligible


def test_an_unknown_zone_blocks_where_the_rule_says_so() -> None:
    night = QuietWindow(time(21), time(8))
    rule = Policy("tcpa", PolicyKind.QUIET_HOURS, tz="contact", windows=(night,), on_unknown_tz=OnUnknownZone.BLOCK)
    assert ask(rule).next_eligible_at is None
    assert ask(rule).badge is Badge.NOT_NOW
    assert ask(rule, contact=replace(JANE, account_tz="Europe/Prague")).eligible
    assert ask(replace(rule, on_unknown_tz=OnUnknownZone.WORKSPACE)).eligible


def test_two_quiet_rules_that_never_open_together_have_no_next_date_and_are_found_out_soon() -> None:
    day = Policy("day", PolicyKind.QUIET_HOURS, windows=(QuietWindow(time(8), time(20)),))
    night = Policy("night", PolicyKind.QUIET_HOURS, windows=(QuietWindow(time(20), time(8)),))
    assert ask(day, night).next_eligible_at is None
    ends = NOW + timedelta(days=900)
    assert ask(day, replace(night, effective_until=ends)).next_eligible_at == ends.replace(hour=20)


def test_what_lies_beyond_ten_years_is_never() -> None:
    century = Policy("b", PolicyKind.BLACKOUT, ranges=(BlackoutRange(date(2026, 1, 1), date(2099, 12, 31)),))
    decision = ask(century)
    assert decision.next_eligible_at is None
    assert decision.reasons[0].clears_at == datetime(2100, 1, 1, tzinfo=UTC)


def test_a_rule_is_suspended_while_one_that_supersedes_it_is_in_season() -> None:
    special = Policy(
        "special",
        PolicyKind.MIN_GAP,
        gap=parse_duration("P1D"),
        supersedes=("gap30",),
        effective_from=NOW + 5 * DAY,
        effective_until=NOW + 10 * DAY,
    )
    decision = ask(GAP30, special, facts=(touch("t", NOW - DAY),))
    assert decision.reasons[0].clears_at == NOW + 5 * DAY
    assert decision.next_eligible_at == NOW + 5 * DAY
    assert not ask(GAP30, special, facts=(touch("t", NOW - DAY),), at=NOW + 10 * DAY).eligible


def test_rules_of_accounts_do_not_reach_people_without_one() -> None:
    facts = (touch("t", NOW - DAY),)
    rule = replace(GAP30, level=Level.ACCOUNT)
    assert ask(rule, facts=facts).eligible
    assert not ask(rule, facts=facts, contact=replace(JANE, account="acme")).eligible


def test_a_scope_can_name_contacts_accounts_and_segments() -> None:
    facts = (touch("t", NOW - DAY),)
    for scope in (
        AppliesTo(contacts=frozenset({"joe"})),
        AppliesTo(accounts=frozenset({"acme"})),
        AppliesTo(segments=frozenset({"panel"})),
    ):
        assert ask(replace(GAP30, applies_to=scope), facts=facts).eligible
    named = replace(GAP30, applies_to=AppliesTo(contacts=frozenset({"jane"})))
    assert not ask(named, facts=facts).eligible


@pytest.mark.parametrize("basis", Basis)
def test_a_day_without_a_time_reaches_from_its_start_and_from_its_end(basis: Basis) -> None:
    booked = TouchpointFact(
        "t", "jane", "sales", "phone", "call", TouchpointStatus.PLANNED, date=date(2026, 5, 20), tz="UTC"
    )
    rule = replace(GAP30, basis=basis)
    last_before = datetime(2026, 4, 20, tzinfo=UTC)
    assert ask(rule, facts=(booked,), at=last_before).eligible
    after_day = timedelta(milliseconds=1) if basis is Basis.ELAPSED else DAY
    blocked = ask(rule, facts=(booked,), at=last_before + after_day)
    first_after = datetime(2026, 6, 20 if basis is Basis.ELAPSED else 19, tzinfo=UTC)
    assert blocked.next_eligible_at == first_after
    assert blocked.reasons[0].blocking[0].date == date(2026, 5, 20)


def test_a_full_window_names_its_members_and_its_limit() -> None:
    facts = tuple(touch(f"t{day}", NOW - day * DAY) for day in (1, 5, 9, 40))
    reason = ask(CAP2, facts=facts).reasons[0]
    assert [block.touchpoint for block in reason.blocking] == ["t9", "t5", "t1"]
    assert reason.limit is not None
    assert (reason.limit.count, reason.limit.max_count) == (3, 2)


def test_the_use_of_a_cap_is_told_before_it_is_full() -> None:
    question = Question(JANE, NOW, "research", "email", "survey")
    history = History(Timeline((touch("t1", NOW - DAY), touch("t2", NOW - 50 * DAY))))
    ((policy, used),) = usage_of_caps(RuleBook((CAP2, GAP30), 1), history, question, NOW)
    assert (policy.id, used.count, used.max_count) == ("cap2", 1, 2)


def test_a_gap_that_fits_exactly_between_two_contacts_is_taken() -> None:
    gap3 = replace(GAP30, gap=parse_duration("P3D"))
    facts = (touch("t", NOW), touch("p", NOW + 6 * DAY, TouchpointStatus.PLANNED))
    assert ask(gap3, facts=facts, at=NOW + DAY).next_eligible_at == NOW + 3 * DAY
    tighter = (facts[0], touch("p", NOW + 6 * DAY - TICK, TouchpointStatus.PLANNED))
    assert ask(gap3, facts=tighter, at=NOW + DAY).next_eligible_at == NOW + 9 * DAY - TICK


def test_a_window_that_begins_with_the_proposal_counts_though_earlier_ones_have_room() -> None:
    facts = tuple(touch(f"t{day}", NOW + day * DAY) for day in (-20, 15, 20))
    decision = ask(CAP2, facts=facts)
    assert decision.status is Status.CAPPED
    assert decision.next_eligible_at == NOW + 45 * DAY


def test_a_cap_of_engagements_opens_when_the_own_engagement_comes_within_the_window() -> None:
    cap = replace(CAP2, count_by=CountBy.ENGAGEMENT)
    facts = tuple(
        replace(touch(f"t{day}", NOW + day * DAY), engagement=name) for day, name in ((1, "B"), (2, "C"), (30, "A"))
    )
    question = Question(JANE, NOW, "research", "email", "survey", engagement="A")
    decision = evaluate(RuleBook((cap,), 1), History(Timeline(facts)), question, NOW)
    assert decision.next_eligible_at == NOW + TICK
    calendar = replace(cap, basis=Basis.CALENDAR)
    decision = evaluate(RuleBook((calendar,), 1), History(Timeline(facts)), question, NOW)
    assert decision.next_eligible_at == NOW.replace(hour=0) + DAY


def test_a_day_without_a_time_is_a_day_where_its_person_lives() -> None:
    far_west = touch("t", NOW)
    far_west = replace(far_west, at=None, date=date(2026, 3, 14), tz="Pacific/Pago_Pago")
    rule = replace(GAP30, gap=parse_duration("P1D"))
    assert ask(rule, facts=(far_west,)).next_eligible_at == datetime(2026, 3, 16, 11, tzinfo=UTC)
    assert ask(rule, facts=(far_west,), at=datetime(2026, 3, 16, 10, 59, tzinfo=UTC)).status is Status.COOLING_DOWN
    far_east = replace(far_west, id="e", tz="Pacific/Kiritimati", date=date(2026, 3, 20))
    starts = datetime(2026, 3, 19, 10, tzinfo=UTC)
    assert ask(rule, facts=(far_east,), at=starts - DAY).eligible
    assert not ask(rule, facts=(far_east,), at=starts - DAY + TICK).eligible
    assert Timeline((far_east,)).between(None, starts) == (far_east,)


def test_a_timeline_keeps_its_order_when_it_grows_and_shrinks() -> None:
    facts = [touch(ref, NOW + day * DAY) for ref, day in (("c", 1), ("a", 0), ("b", 0), ("d", -1))]
    whole = Timeline(facts)
    grown = Timeline()
    for fact in facts:
        grown = grown.with_fact(fact)
    assert [fact.id for fact in grown] == [fact.id for fact in whole] == ["d", "a", "b", "c"]
    assert grown == whole
    assert [fact.id for fact in whole.without("a", "d")] == ["b", "c"]
    assert [fact.id for fact in whole.between(NOW + DAY, NOW + DAY)][-1] == "c"
