"""The invariants of section e.2 that need storage, on random operations; the number in a name is the section's.

Each example has a registry of its own, in memory. Those that need none are in `test_invariants.py`.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contact_registry.schemas import BatchCheckIn
from contact_registry.schemas_imports import ImportIn
from contact_registry.schemas_rules import SimulateIn
from contact_registry.values import PolicyKind
from core.audit import AuditEvent
from core.errors import AppError
from tests.contact_registry import test_invariants
from tests.contact_registry.fast_world import dump_of, fast_worlds
from tests.contact_registry.operation_worlds import (
    PEOPLE,
    Json,
    agreements,
    both_runners,
    contacts,
    facts,
    file_rows,
    matters,
    moments,
    questions,
    rule_sets,
    stops,
)
from tests.contact_registry.operations import Operation, RealRunner
from tests.contact_registry.registry_world import CRM, RegistryWorld

NOT_STATE = frozenset({"audit_event"})


@cache
def make_world() -> Callable[[], RegistryWorld]:
    return fast_worlds(Path(tempfile.mkdtemp(prefix="earshot-invariants-")), PEOPLE)


def _of(kind: str, args: st.SearchStrategy[Json]) -> st.SearchStrategy[tuple[str, Json]]:
    return st.tuples(st.just(kind), args)


def _about(name: str) -> st.SearchStrategy[Json]:
    """The touchpoint or the file that the operation before made, or one before that."""
    return st.integers(0, 3).map(lambda number: {name: f"o{number}"})


def _claims() -> st.SearchStrategy[tuple[str, Json]]:
    return _of("reserve", questions()) | _of("book", questions())


def operations(most: int = 5) -> st.SearchStrategy[list[Operation]]:
    """Up to so many operations; what a touchpoint's operation names may be missing, which is refused."""
    kinds = st.one_of(
        _claims(),
        _claims(),
        _of("record", facts()),
        *(_of(kind, _about("touchpoint")) for kind in ("confirm", "release", "completed", "cancelled", "voided")),
        _of("reschedule", st.builds(lambda about, at: {**about, "at": at}, _about("touchpoint"), moments(0, 9))),
        _of("merge", st.fixed_dictionaries({"into": contacts, "source": contacts})),
        _of("unmerge", st.fixed_dictionaries({"contact": contacts})),
        _of("suppress", stops()),
        _of("consent", agreements()),
        _of("erase", st.fixed_dictionaries({"contact": contacts})),
        _of("import", st.fixed_dictionaries({"rows": file_rows()})),
        _of("undo", _about("import")),
    )
    return st.lists(kinds, min_size=1, max_size=most).map(
        lambda made: [Operation(f"o{index}", kind, args) for index, (kind, args) in enumerate(made)]
    )


def told(rules: Sequence[Json], before: Sequence[Operation], *, keyed: bool = False) -> RealRunner:
    """Return a registry with these rules and PEOPLE, after the operations."""
    real, _ = both_runners(make_world()(), rules, keyed=keyed)
    for operation in before:
        real.run(operation)
    return real


@given(rule_sets(), operations(4), questions())
def test_10_a_claim_is_granted_exactly_when_a_check_just_said_so(
    rules: list[Json], before: list[Operation], asked: Json
) -> None:
    real = told(rules, before)
    checked = real.run(Operation("check", "check", asked))
    claimed = real.run(Operation("claim", "reserve", asked))
    if "error" in checked:
        assert claimed["error"] == checked["error"] or {checked["error"], claimed["error"]} <= {
            "at_in_past",
            "contact_erased",
        }
    elif checked["decision"] == "eligible":
        assert claimed["status"] == "reserved"
    else:
        assert claimed == {"error": "not_eligible", "reasons": checked["reasons"], "next": checked["next"]}


@given(rule_sets(), operations(4), st.lists(questions(), max_size=5))
def test_11_an_independent_batch_is_so_many_checks_and_a_sequential_one_so_many_bookings(
    rules: list[Json], before: list[Operation], asked: list[Json]
) -> None:
    real = told(rules, before)
    items = [item | ({"contact": real.names.id(item["contact"])} if "contact" in item else {}) for item in asked]
    for mode, kind in (("independent", "check"), ("sequential", "book")):
        found = real.world.registry.batch_check(BatchCheckIn.model_validate({"mode": mode, "items": items}), CRM)
        for item, question in zip(found.items, asked, strict=True):
            if item.duplicate_of is not None:
                continue  # the person's first row answers
            answer = real.run(Operation(f"{mode}{item.index}", kind, question))
            if item.error is not None:
                assert answer.get("error") is not None
            elif kind == "check":
                assert (item.decision, item.next_eligible_at) == (answer["decision"], answer["next"])
            else:
                assert (item.decision == "eligible") == ("error" not in answer)


@given(rule_sets(), operations(4), matters(), moments(1, 9))
def test_12_simulating_the_rules_in_force_finds_nothing_and_writes_nothing(
    rules: list[Json], before: list[Operation], about: Json, at: Any
) -> None:
    real = told(rules, before)
    kept = dump_of(real.world)
    asked = SimulateIn.model_validate({"policies": rules, "question": {**about, "at": at}})
    found = real.world.registry.rules.simulate(asked)
    assert (found.newly_eligible, found.newly_ineligible, found.new_planned_conflicts) == ([], [], [])
    assert dump_of(real.world) == kept


@given(rule_sets(), operations())
def test_13_a_request_repeated_with_its_key_changes_nothing(rules: list[Json], made: list[Operation]) -> None:
    real = told(rules, [], keyed=True)
    for operation in made:
        first = real.run(operation)
        kept = dump_of(real.world)
        again = real.run(operation)
        assert dump_of(real.world) == kept or _is_without_key(operation)
        if "error" not in first and operation.kind in ("reserve", "book", "record", "suppress", "consent", "import"):
            assert again == first


def _is_without_key(operation: Operation) -> bool:
    """A PATCH has no key: asked again, a reschedule moves to where the booking is already, which is a change noted."""
    return operation.kind == "reschedule"


@given(rule_sets(), operations(3), file_rows())
def test_14_importing_a_file_twice_is_importing_it_once(
    rules: list[Json], before: list[Operation], rows: list[Json]
) -> None:
    rows = [{"external_id": f"row{number}", **row} for number, row in enumerate(rows)]
    real = told(rules, before)
    real.world.registry.imports.run(ImportIn(rows=rows), CRM)
    log = frozenset({"audit_event", "history_import", "history_import_row"})  # which say that it was sent twice
    kept = dump_of(real.world, log)
    again = real.world.registry.imports.run(ImportIn(rows=rows), CRM)
    assert dump_of(real.world, log) == kept
    assert not {row.outcome for row in again.rows} & {"created", "updated"}


_LOCALS = st.sampled_from(["quoll", "quoll+list", "Q.uoll", "q.u.o.l.l+x"])


@given(rule_sets(), operations(3), st.lists(st.builds(lambda local, domain: f"{local}@{domain}", _LOCALS,
       st.sampled_from(["gmail.com", "googlemail.com", "corp.example", "Corp.Example."])), min_size=1, max_size=3),
       st.data())  # fmt: skip
def test_15_after_an_erasure_no_spelling_is_eligible_and_no_table_knows_the_address(
    rules: list[Json], before: list[Operation], emails: list[str], data: st.DataObject
) -> None:
    real = told(rules, before, keyed=True)
    world = real.world
    for number, email in enumerate(emails):
        asked = data.draw(questions()) | {"email": email}
        asked.pop("contact", None)
        kind = data.draw(st.sampled_from(["reserve", "record", "import"]))
        if kind == "record":
            asked = {**asked, "at": world.clock.now(), "name": "Quoll Quollson", "notes": "quoll likes tea"}
            asked["status"] = "completed"
        args = {"rows": [asked]} if kind == "import" else asked
        real.run(Operation(f"e{number}", kind, args))
    on_file = [email for email in emails if _owner(world, email) is not None]
    for email in on_file:
        owner = _owner(world, email)
        if owner is not None:
            real.run(Operation("gone", "erase", {"contact": owner}))
    said = repr(dump_of(world)).lower()
    assert "quoll" not in said
    assert "q.uoll" not in said
    for email in on_file:
        for spelling in (email, email.upper(), f" {email}"):
            answer = world.check(email=spelling)
            assert (answer.badge, answer.contact) == ("do_not_contact", None)


def _owner(world: RegistryWorld, email: str) -> str | None:
    try:
        return world.registry.contact_by_email(email).id
    except AppError:
        return None


@given(rule_sets(), operations(6))
def test_19_every_change_of_state_has_one_audit_event_and_nothing_else_has(
    rules: list[Json], made: list[Operation]
) -> None:
    """An import is one change for itself and one for each touchpoint it writes; a refusal that only its key remembers
    is none."""
    real = told(rules, [])
    for operation in made:
        before, events = dump_of(real.world, NOT_STATE), _events(real.world)
        answer = real.run(operation)
        after, added = dump_of(real.world, NOT_STATE), _events(real.world) - events
        if operation.kind == "import" and "error" not in answer:
            written = sum(row[0] in ("created", "updated") for row in answer["rows"])
            assert added == written + 1
        else:
            assert added == (after != before), f"{operation}: {answer}"


def _events(world: RegistryWorld) -> int:
    return len(dump_of(world)[str(AuditEvent.__tablename__)])


@given(rule_sets(), operations(4), st.permutations(list(PEOPLE)), questions())
def test_7_merging_stored_people_never_frees_the_survivor_but_for_a_newer_grant_of_consent(
    rules: list[Json], before: list[Operation], names: list[str], asked: Json
) -> None:
    """Of the person, that is: what stops their company follows the company. A bounce covers a mailbox, not a person:
    with another one there is a way around it (E16). Consent: see the pure invariant 7."""
    rules = [rule for rule in rules if rule["kind"] != PolicyKind.CONSENT_REQUIRED and rule.get("level") != "account"]
    rules = [{**rule, "count_by": "touchpoint"} if "count_by" in rule else rule for rule in rules]
    real = told(rules, [operation for operation in before if not _is_of_company_or_mailbox(operation)])
    into, source = names[:2]
    asked = {key: value for key, value in asked.items() if key not in ("email", "contact")}
    answers = [real.run(Operation("c", "check", {**asked, "contact": name})) for name in (into, source)]
    merged = real.run(Operation("m", "merge", {"into": into, "source": source}))
    if "error" in merged or merged["noop"] or any("error" in answer for answer in answers):
        return
    after = real.run(Operation("c2", "check", {**asked, "contact": into}))
    if any(answer["decision"] == "ineligible" for answer in answers):
        assert after["decision"] == "ineligible"


def _is_of_company_or_mailbox(operation: Operation) -> bool:
    if operation.kind != "suppress":
        return False
    kind, _ = operation.args["subject"]
    return bool(kind == "account" or operation.args["source"] == "hard_bounce")


def test_each_of_the_nineteen_invariants_has_a_test_with_its_number() -> None:
    names = [*vars(test_invariants), *globals()]
    numbers = {int(found[1]) for name in names if (found := re.match(r"test_(\d+)_", name))}
    assert numbers == set(range(1, 20))
