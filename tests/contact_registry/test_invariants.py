"""The pure invariants of section e.2, drawn at random; the number before each test is the section's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contact_registry.addresses import email_key
from contact_registry.batch import BatchMode, BatchRow, as_booked, check_batch
from contact_registry.eligibility import evaluate, failing_refs, is_eligible
from contact_registry.overrides import Override, settle
from contact_registry.simulation import Simulation
from contact_registry.values import (
    TICK,
    ConsentFact,
    ConsentState,
    CountBy,
    Decision,
    History,
    Policy,
    PolicyKind,
    Question,
    SameEngagement,
    Timeline,
    TouchpointFact,
)
from core.errors import Forbidden, InvalidInput
from tests.contact_registry import literal_rules
from tests.contact_registry.worlds import (
    NOW,
    SERVICE,
    World,
    consents,
    counting_policies,
    plain_worlds,
    questions,
    rows_of_touchpoints,
    touchpoints,
    worlds,
)


def decide(world: World) -> Decision:
    return evaluate(world.rules, world.history, world.question, NOW)


def allowed(world: World) -> bool:
    return is_eligible(world.rules, world.history, world.question, NOW)


@given(worlds())
def test_the_evaluator_fails_exactly_what_a_literal_reading_of_the_rules_fails(world: World) -> None:
    for at in _some(world.boundaries(), 30):
        question = replace(world.question, at=at)
        refs = failing_refs(world.rules, world.history, question, NOW)
        assert set(refs) == literal_rules.failing(world, at, NOW)
    assert failing_refs(world.rules, world.history, world.question, NOW) == tuple(
        reason.ref for reason in decide(world).reasons
    )


@given(worlds())
def test_1_the_next_eligible_instant_is_eligible(world: World) -> None:
    decision = decide(world)
    if decision.next_eligible_at is not None:
        assert decision.next_eligible_at >= decision.at
        assert not literal_rules.failing(world, decision.next_eligible_at, NOW)
        assert decision.eligible == (decision.next_eligible_at == decision.at)


@given(worlds(), st.lists(st.floats(0, 1), min_size=5, max_size=5))
def test_2_no_earlier_instant_is_eligible(world: World, fractions: list[float]) -> None:
    decision = decide(world)
    assume(not decision.eligible)
    end = decision.next_eligible_at or decision.at + timedelta(days=150)
    span_ms = int((end - decision.at) / TICK)
    tried = [decision.at + TICK * int(span_ms * fraction * 0.999999) for fraction in fractions]
    tried += [end - TICK, *(decision.at + timedelta(hours=hour) for hour in range(0, span_ms // 3_600_000, 23))]
    tried += _some([at for at in world.boundaries() if at < end], 30)
    for at in tried:
        if decision.at <= at < end:
            assert literal_rules.failing(world, at, NOW), f"{at} is eligible, before {end}"


@given(worlds())
def test_2_a_reason_clears_at_the_first_instant_at_which_its_rule_passes(world: World) -> None:
    for at in _some(world.boundaries(), 6):
        for reason in decide(replace(world, question=replace(world.question, at=at))).reasons:
            if reason.clears_at is None:
                assert reason.ref in literal_rules.failing(world, at + timedelta(days=500), NOW)
                continue
            assert reason.clears_at > at
            assert reason.ref not in literal_rules.failing(world, reason.clears_at, NOW)
            between = [t for t in world.boundaries() if at <= t < reason.clears_at]
            for earlier in (reason.clears_at - TICK, *_some(between, 20)):
                assert reason.ref in literal_rules.failing(world, earlier, NOW)


@given(worlds(), counting_policies("w", PolicyKind.MIN_GAP))
def test_3_a_cap_of_one_is_a_gap_of_its_window(world: World, gap: Policy) -> None:
    cap = replace(gap, kind=PolicyKind.FREQUENCY_CAP, window=gap.gap, gap=None, max_count=1)
    one, other = world.with_policies(gap), world.with_policies(cap)
    for at in _some(one.boundaries(), 8):
        question = replace(world.question, at=at)
        by_gap, by_cap = (decide(replace(w, question=question)) for w in (one, other))
        assert by_gap.next_eligible_at == by_cap.next_eligible_at
        assert [r.clears_at for r in by_gap.reasons] == [r.clears_at for r in by_cap.reasons]


@given(worlds(), st.randoms(use_true_random=False))
def test_4_the_order_of_touchpoints_and_policies_does_not_matter(world: World, random: Any) -> None:
    policies, facts = list(world.rules.policies), list(world.touchpoints)
    consents, stops = list(world.history.consents), list(world.history.suppressions)
    for row in (policies, facts, consents, stops):
        random.shuffle(row)
    shuffled = world.with_policies(*policies).with_touchpoints(*facts)
    history = replace(shuffled.history, consents=tuple(consents), suppressions=tuple(stops))
    assert decide(replace(shuffled, history=history)) == decide(world)


def _some(instants: list[Any], most: int) -> list[Any]:
    """At most so many of them, spread evenly."""
    return instants[:: len(instants) // most + 1]


def _by_touchpoint(world: World) -> World:
    return world.with_policies(*(replace(p, count_by=CountBy.TOUCHPOINT) for p in world.rules.policies))


@given(worlds(), touchpoints(99))
def test_5_more_history_never_helps(world: World, added: TouchpointFact) -> None:
    world = _by_touchpoint(world)
    before = decide(world)
    after = decide(world.with_touchpoints(*world.touchpoints, added))
    assert before.eligible or not after.eligible
    assert _is_not_earlier(after, before)


@given(worlds(), st.data())
def test_6_tightening_a_rule_never_helps(world: World, data: st.DataObject) -> None:
    assume(any(p.gap or p.window for p in world.rules.policies))
    policies = list(world.rules.policies)
    index = data.draw(st.sampled_from([i for i, p in enumerate(policies) if p.gap or p.window]))
    policies[index] = data.draw(st.sampled_from(_tighter(policies[index])))
    before = decide(world)
    after = decide(world.with_policies(*policies))
    assert before.eligible or not after.eligible
    if all(p.count_by is CountBy.TOUCHPOINT for p in policies):
        assert _is_not_earlier(after, before)


def _tighter(policy: Policy) -> list[Policy]:
    if policy.gap is not None:
        return [replace(policy, gap=replace(policy.gap, days=policy.gap.days + 3))]
    assert policy.window is not None
    assert policy.max_count is not None
    options = [replace(policy, max_count=policy.max_count - 1)] if policy.max_count > 1 else []
    # A longer window may hold the proposal's own engagement or person already (B13): then it is not tighter.
    if policy.count_by is CountBy.TOUCHPOINT:
        options.append(replace(policy, window=replace(policy.window, days=policy.window.days + 3)))
    return options or [policy]


@given(worlds(), rows_of_touchpoints())
def test_7_merging_never_makes_an_ineligible_person_eligible(world: World, others: list[TouchpointFact]) -> None:
    """Consent is left out here: see the next test."""
    policies = [p for p in world.rules.policies if p.kind is not PolicyKind.CONSENT_REQUIRED]
    world = _by_touchpoint(world.with_policies(*policies))
    world = world.with_policies(*(p for p in world.rules.policies if p.level.value == "contact"))
    moved = [replace(fact, id=f"o{fact.id}", contact="c1") for fact in others]
    stops = tuple(replace(stop, contact="c1") for stop in world.history.suppressions)
    merged = world.with_touchpoints(*world.touchpoints, *moved)
    merged = replace(merged, history=replace(merged.history, suppressions=stops))
    assert allowed(world) or not allowed(merged)


@given(worlds(), consents())
def test_7_merging_lifts_missing_consent_only_by_a_grant_newer_than_all_the_person_said_before(
    world: World, others: list[ConsentFact]
) -> None:
    """Missing consent is no restriction: the person may have given it under their other address. A withdrawal is one,
    and `MergeService` says it again as of the merge, so that the other log's grant is not newer (see the test of a
    withdrawal that outlives a merge). Here: without that line, nothing but a newer grant lifts missing consent.
    """
    asked = Policy(id="asked", kind=PolicyKind.CONSENT_REQUIRED, overridable=False)
    world = world.with_policies(asked).with_touchpoints()
    own, question = world.history.consents, world.question
    world = replace(world, history=replace(world.history, suppressions=()))
    merged = replace(world, history=replace(world.history, consents=(*own, *others)))
    if allowed(world) or not allowed(merged):
        return

    def said(log: Iterable[ConsentFact]) -> list[ConsentFact]:
        return [
            record
            for record in log
            if record.purpose == question.purpose
            and record.channel in (None, question.channel)
            and record.effective_from <= question.at
        ]

    last_word = max((record.effective_from for record in said(own)), default=None)
    newer = [record for record in said(others) if last_word is None or record.effective_from > last_word]
    assert any(record.state is ConsentState.GRANTED for record in newer)


@given(plain_worlds(most=0), st.lists(st.tuples(questions(plain=True), st.sampled_from(["c1", "c2"])), max_size=12))
def test_8_claims_never_break_an_unscoped_unseasonal_rule_in_any_window(
    world: World, asked: list[tuple[Question, str]]
) -> None:
    # same_engagement: count, because a rule that ignores the own engagement permits what it permits.
    rules = replace(world.rules, policies=tuple(_strict(p) for p in world.rules.policies))
    world = replace(world, rules=rules)
    booked: list[TouchpointFact] = []
    for index, (question, contact) in enumerate(asked):
        question = replace(question, contact=replace(world.question.contact, id=contact))
        claim = replace(_seen_by(world.with_touchpoints(*booked), contact, booked), question=question)
        if allowed(claim):
            booked.append(as_booked(question, index))
    for fact in booked:
        assert fact.contact is not None
        assert fact.at is not None
        rest = [other for other in booked if other.id != fact.id]
        seen = _seen_by(world.with_touchpoints(*rest), fact.contact, rest)
        assert fact.purpose not in SERVICE
        view = replace(
            seen,
            question=replace(
                world.question,
                contact=replace(world.question.contact, id=fact.contact),
                engagement=fact.engagement,
                purpose=fact.purpose,
            ),
        )
        assert not literal_rules.failing(view, fact.at, NOW)


def _strict(policy: Policy) -> Policy:
    return replace(policy, same_engagement=SameEngagement.COUNT)


def _seen_by(world: World, contact: str, facts: list[TouchpointFact]) -> World:
    own = Timeline(fact for fact in facts if fact.contact == contact)
    return replace(world, history=History(contact=own, account=Timeline(facts)))


@given(plain_worlds(elapsed=True), st.integers(-10_000, 10_000))
def test_9_moving_everything_in_time_moves_elapsed_answers(world: World, hours: int) -> None:
    by = timedelta(hours=hours)
    facts = [replace(fact, at=fact.at + by) for fact in world.touchpoints if fact.at is not None]
    moved = world.with_touchpoints(*facts)
    question = replace(world.question, at=world.question.at + by)
    before = decide(world)
    after = evaluate(moved.rules, moved.history, question, NOW + by)
    assert after.eligible == before.eligible
    assert [r.clears_at for r in after.reasons] == [r.clears_at + by for r in before.reasons if r.clears_at]
    assert before.next_eligible_at is not None
    assert after.next_eligible_at == before.next_eligible_at + by


@given(worlds())
def test_10_a_claim_is_granted_exactly_when_a_check_says_so(world: World) -> None:
    decision = decide(world)
    assert settle(decision, None).passes == decision.eligible == allowed(world)


def _rows(world: World, asked: list[Question]) -> list[BatchRow]:
    rows = []
    for index, question in enumerate(asked):
        person = f"p{index}"
        contact = replace(question.contact, id=person, account=None if index % 4 == 3 else "acme")
        account = world.history.account if contact.account else Timeline()
        rows.append(BatchRow(person, replace(question, contact=contact), History(account=account)))
    return rows


@given(plain_worlds(), st.lists(questions(plain=True), max_size=6))
def test_11_an_independent_batch_is_so_many_checks(world: World, asked: list[Question]) -> None:
    rows = _rows(world, asked)
    answers = check_batch(world.rules, rows, BatchMode.INDEPENDENT, NOW)
    assert [a.decision for a in answers] == [evaluate(world.rules, row.history, row.question, NOW) for row in rows]


@given(plain_worlds(), st.lists(questions(plain=True), max_size=6))
def test_11_a_sequential_batch_is_claims_one_after_another(world: World, asked: list[Question]) -> None:
    rows = _rows(world, asked)
    booked: list[TouchpointFact] = []
    expected = []
    for index, row in enumerate(rows):
        account = row.question.contact.account
        mine = [fact for fact in booked if account is not None and fact.account == account]
        history = replace(row.history, account=Timeline([*row.history.account, *mine]))
        decision = evaluate(world.rules, history, row.question, NOW)
        expected.append(decision)
        if decision.eligible:
            booked.append(as_booked(row.question, index))
    assert [a.decision for a in check_batch(world.rules, rows, BatchMode.SEQUENTIAL, NOW)] == expected


@given(worlds())
def test_12_simulating_the_rules_in_force_changes_nothing(world: World) -> None:
    run = Simulation(world.rules, replace(world.rules, version=8), world.question, NOW)
    run.add(world.question.contact, world.history)
    found = run.difference()
    assert (found.newly_ineligible, found.newly_eligible, found.new_planned_conflicts) == ((), (), ())
    assert found.population == 1


_LOCAL = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
_DOMAIN = st.sampled_from(["corp.example", "GMAIL.com", "googlemail.com.", "Bücher.example", "STRASSE.de", "faß.de"])


@given(st.builds(lambda local, domain: f" {local}@{domain}", _LOCAL, _DOMAIN) | st.text(max_size=20))
def test_16_normalising_twice_is_normalising_once(address: str) -> None:
    try:
        key = email_key(address)
    except InvalidInput:
        return
    assert email_key(key) == key


@given(worlds())
def test_17_every_refusal_has_reasons_that_name_rules_and_go_with_them(world: World) -> None:
    decision = decide(world)
    assert decision.eligible == (not decision.reasons)
    stops, policies = world.history.suppressions, world.rules.policies
    for reason in decision.reasons:
        assert reason.ref in {s.id for s in stops} | {p.id for p in policies}
        rest = tuple(s for s in stops if s.id != reason.ref)
        without = world.with_policies(*(p for p in policies if p.id != reason.ref))
        without = replace(without, history=replace(without.history, suppressions=rest))
        assert reason.ref not in {r.ref for r in decide(without).reasons}


@given(worlds(), st.sets(st.sampled_from(["p0", "p1", "p2", "p3", "p4", "s0", "s1"])))
def test_18_an_override_never_passes_an_unnamed_or_hard_rule(world: World, named: set[str]) -> None:
    decision = decide(world)
    hard = {r.ref for r in decision.reasons if not r.overridable}
    override = Override(frozenset(named), "the customer asked us to ring back")
    if named & hard:
        with pytest.raises(Forbidden):
            settle(decision, override)
        return
    settled = settle(decision, override)
    refs = {r.ref for r in decision.reasons}
    assert set(settled.overridden) == refs & named
    assert {r.ref for r in settled.refusing} == refs - named
    assert settled.passes == (refs <= named)
    assert not set(settled.overridden) & hard


@given(worlds())
def test_the_date_at_which_a_hold_may_lapse_to_a_better_answer_is_true(world: World) -> None:
    decision = decide(world)
    if decision.may_improve_at is None:
        return
    later = evaluate(world.rules, world.history, world.question, decision.may_improve_at)
    assert not decision.eligible
    assert later.next_eligible_at is not None
    assert decision.next_eligible_at is None or later.next_eligible_at < decision.next_eligible_at
    just_before = evaluate(world.rules, world.history, world.question, decision.may_improve_at - TICK)
    assert just_before.next_eligible_at == decision.next_eligible_at


def _is_not_earlier(after: Decision, before: Decision) -> bool:
    if after.next_eligible_at is None:
        return True
    return before.next_eligible_at is not None and after.next_eligible_at >= before.next_eligible_at
