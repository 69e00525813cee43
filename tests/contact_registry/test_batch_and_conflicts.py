"""Many at once, dry runs, and bookings that a change pushes into conflict: the parts that cases leave
open.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contact_registry.batch import BatchMode, BatchRow, check_batch
from contact_registry.conflicts import broken_rules, future_bookings, new_conflicts
from contact_registry.durations import parse_duration
from contact_registry.eligibility import evaluate
from contact_registry.overrides import Override, settle
from contact_registry.simulation import Simulation
from contact_registry.values import (
    ContactView,
    History,
    Level,
    Policy,
    PolicyKind,
    Question,
    RuleBook,
    SameEngagement,
    SuppressionFact,
    SuppressionSource,
    Timeline,
    TouchpointFact,
    TouchpointStatus,
)
from core.errors import AppError, InvalidInput, NotFound

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)
GAP30 = Policy("gap30", PolicyKind.MIN_GAP, gap=parse_duration("P30D"))
CAP3 = Policy(
    "acct3",
    PolicyKind.FREQUENCY_CAP,
    level=Level.ACCOUNT,
    window=parse_duration("P30D"),
    max_count=3,
    same_engagement=SameEngagement.COUNT,
)
RULES = RuleBook((GAP30, CAP3), 4)


def asked(person: str, account: str | None = "acme", at: datetime = NOW) -> Question:
    return Question(ContactView(person, account=account), at, "research", "email", "survey")


def booking(ref: str, at: datetime, contact: str = "c1", **fields: object) -> TouchpointFact:
    fact = TouchpointFact(ref, contact, "sales", "phone", "call", TouchpointStatus.PLANNED, at, account="acme")
    return replace(fact, **fields)  # type: ignore[arg-type]


def test_ten_people_of_one_account_are_not_ten_eligible_people() -> None:
    rows = [BatchRow(f"c{i}", asked(f"c{i}"), History()) for i in range(10)]
    together = check_batch(RULES, rows, BatchMode.SEQUENTIAL, NOW)
    alone = check_batch(RULES, rows, BatchMode.INDEPENDENT, NOW)
    assert [a.decision.eligible for a in together if a.decision] == [True] * 3 + [False] * 7
    assert all(a.decision and a.decision.eligible for a in alone)
    assert together[3].decision is not None
    assert together[3].decision.next_eligible_at == NOW + 30 * DAY


def test_rows_keep_their_order_and_bad_ones_their_error() -> None:
    rows: list[BatchRow | AppError] = [
        InvalidInput("invalid_email", "No address."),
        BatchRow("c1", asked("c1"), History()),
        NotFound("contact_not_found", "Nobody."),
        BatchRow("c1", asked("c1"), History()),
    ]
    answers = check_batch(RULES, rows, BatchMode.SEQUENTIAL, NOW)
    assert [a.index for a in answers] == [0, 1, 2, 3]
    assert [a.status for a in answers] == [422, 200, 404, 200]
    assert answers[3].duplicate_of == 1
    assert answers[3].decision is None


def test_people_without_an_account_do_not_fill_each_others_cap() -> None:
    rows = [BatchRow(f"c{i}", asked(f"c{i}", None), History()) for i in range(5)]
    assert all(a.decision and a.decision.eligible for a in check_batch(RULES, rows, BatchMode.SEQUENTIAL, NOW))


def test_only_bookings_that_lie_ahead_can_come_into_conflict() -> None:
    row = Timeline(
        [
            booking("overdue", NOW - DAY),
            booking("lapsed", NOW + DAY, status=TouchpointStatus.RESERVED, expires_at=NOW),
            booking("held", NOW + DAY, status=TouchpointStatus.RESERVED, expires_at=NOW + DAY),
            booking("done", NOW + DAY, status=TouchpointStatus.CANCELLED),
            booking("planned", NOW + 2 * DAY),
        ]
    )
    assert [fact.id for fact in future_bookings(row, NOW)] == ["held", "planned"]


def test_a_booking_that_was_in_conflict_before_is_not_a_new_conflict() -> None:
    first, second, third = (booking(f"b{n}", NOW + n * DAY) for n in (1, 5, 50))
    view = ContactView("c1", account="acme")
    before, after = History(Timeline([first, second])), History(Timeline([first, second, third]))
    assert broken_rules(RULES, before, view, first, NOW) == ("gap30",)
    assert new_conflicts(RULES, view, before, after, NOW) == ()
    moved = replace(third, at=NOW + 40 * DAY)
    lone = replace(second, at=NOW + 60 * DAY)
    before, after = History(Timeline([first, lone])), History(Timeline([first, lone, moved]))
    assert new_conflicts(RULES, view, before, after, NOW, besides=["b50"]) == ("b5",)


def test_an_opt_out_puts_what_is_planned_in_conflict() -> None:
    view, planned = ContactView("c1"), Timeline([booking("b1", NOW + DAY)])
    stop = SuppressionFact("s1", SuppressionSource.OPT_OUT, contact="c1")
    assert new_conflicts(RULES, view, History(planned), History(planned, suppressions=(stop,)), NOW) == ("b1",)


def test_a_dry_run_counts_by_team_and_by_segment() -> None:
    looser = replace(RULES, policies=(replace(GAP30, gap=parse_duration("P60D")), CAP3))
    run = Simulation(RULES, looser, asked("anybody"), NOW)
    panel = ContactView("c1", segments=frozenset({"panel"}))
    done = booking("t", NOW - 40 * DAY, status=TouchpointStatus.COMPLETED)
    run.add(panel, History(Timeline([done])))
    run.add(ContactView("c2"), History(Timeline([booking("b1", NOW + 70 * DAY), booking("b2", NOW + 105 * DAY)])))
    found = run.difference()
    assert found.newly_ineligible == ("c1",)
    assert found.new_planned_conflicts == ("b1", "b2")
    assert found.conflicts_by_team == {"sales": 2}
    assert found.by_segment == {"panel": {"newly_ineligible": 1}}
    assert found.population == 2


def test_an_override_needs_a_reason_of_ten_characters_even_when_nothing_stands_in_the_way() -> None:
    decision = evaluate(RULES, History(), asked("c1"), NOW)
    with pytest.raises(InvalidInput) as refused:
        settle(decision, Override(frozenset({"gap30"}), "   123456789   "))
    assert refused.value.code == "override_reason_required"
    assert settle(decision, Override(frozenset({"gap30"}), "1234567890")).passes
