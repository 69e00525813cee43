"""The registry in memory: the pure evaluator under the simplest possible keeping of state.

An oracle for tests. It executes claims one after another, which is what a database must look like from
outside; it has no locks, no SQL and no HTTP. `contact_cases.json` and the property tests drive it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from contact_registry.addresses import address_keys, email_key
from contact_registry.batch import BatchMode, BatchRow, check_batch
from contact_registry.conflicts import new_conflicts
from contact_registry.durations import parse_duration
from contact_registry.eligibility import evaluate, failing_refs
from contact_registry.overrides import Override, check_override, settle
from contact_registry.simulation import Simulation
from contact_registry.validation import parse_policies
from contact_registry.values import (
    ConsentFact,
    ContactView,
    Decision,
    Direction,
    History,
    Question,
    RuleBook,
    SuppressionFact,
    SuppressionSource,
    Timeline,
    TouchpointFact,
    TouchpointStatus,
)
from core.errors import AppError, Conflict, Gone, InvalidInput, NotFound
from tests.contact_registry.memory_values import Person, Refused, instant, read_consent, read_stop, text

MAX_TTL = timedelta(hours=72)
_BOOKED = (TouchpointStatus.PLANNED, TouchpointStatus.RESERVED)


@dataclass(slots=True)
class MemoryRegistry:
    now: datetime
    rules: RuleBook
    accounts: dict[str, str | None] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    touchpoints: dict[str, TouchpointFact] = field(default_factory=dict)
    suppressions: list[SuppressionFact] = field(default_factory=list)
    consents: list[ConsentFact] = field(default_factory=list)
    external: dict[str, str] = field(default_factory=dict)
    made: int = 0

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> MemoryRegistry:
        """The world of a worked case."""
        service = frozenset(p for p, kind in given.get("purposes", {}).items() if kind == "service")
        rules = RuleBook(
            policies=parse_policies(given.get("policies", []), version=1),
            version=1,
            tz=given.get("tz", "UTC"),
            service_purposes=service,
        )
        world = cls(now=instant(given["now"]), rules=rules)
        world.accounts = {account["id"]: account.get("tz") for account in given.get("accounts", [])}
        for contact in given.get("contacts", []):
            world.people[contact["id"]] = Person(
                id=contact["id"],
                keys=[email_key(email) for email in contact.get("emails", [])],
                account=contact.get("account"),
                tz=contact.get("tz"),
                segments=frozenset(contact.get("segments", [])),
            )
        for fact in given.get("touchpoints", []):
            world.touchpoints[fact["id"]] = world._fact(fact)
        world.suppressions = [read_stop(stop) for stop in given.get("suppressions", [])]
        world.consents = [read_consent(record) for record in given.get("consents", [])]
        return world

    # --- questions
    # ---------------------------------------------------------------------------------------------------

    def check(self, args: Mapping[str, Any]) -> Decision:
        question = self._question_ahead(args)
        return evaluate(self.rules, self.history(question.contact), question, self.now)

    def _question_ahead(self, args: Mapping[str, Any]) -> Question:
        question = self.question(args)
        if question.at < self.now:
            raise InvalidInput("at_in_past", "The time has passed.", field="at")
        return question

    def question(self, args: Mapping[str, Any], ignoring: frozenset[str] = frozenset()) -> Question:
        contact, used = self._subject(args)
        if "address" in args:
            used = email_key(args["address"])
        return Question(
            contact=contact,
            at=instant(args["at"]),
            team=args["team"],
            channel=args["channel"],
            purpose=args["purpose"],
            engagement=args.get("engagement"),
            direction=Direction(args.get("direction", "outbound")),
            address=address_keys(used) if used is not None else None,
            ignoring=ignoring,
        )

    def history(self, contact: ContactView) -> History:
        facts = self.touchpoints.values()
        return History(
            contact=Timeline(f for f in facts if contact.id is not None and f.contact == contact.id),
            account=Timeline(f for f in facts if contact.account is not None and f.account == contact.account),
            suppressions=tuple(self.suppressions),
            consents=tuple(record for record in self.consents if record.contact == contact.id),
        )

    def view(self, person: Person) -> ContactView:
        return ContactView(
            id=person.id,
            account=person.account,
            tz=person.tz,
            account_tz=self.accounts.get(person.account) if person.account else None,
            segments=person.segments,
            addresses=tuple(address_keys(key) for key in person.keys),
        )

    def person(self, ref: str) -> Person:
        person = self.people.get(ref)
        if person is None:
            raise NotFound("contact_not_found", "There is no such contact.")
        if person.merged_into is not None:
            return self.person(person.merged_into)
        if person.erased:
            raise Gone("contact_erased", "This person was erased.")
        return person

    def live_people(self) -> list[Person]:
        return [p for p in self.people.values() if p.merged_into is None and not p.erased]

    # --- claims -----------------------------------------------------------------------------------------
    # -------------

    def claim(self, args: Mapping[str, Any], status: TouchpointStatus) -> tuple[TouchpointFact, dict[str, Any]]:
        """Reserve or book: the check and the insert in one step. Raises AppError; Refused when not
        eligible.
        """
        override = None
        if args.get("override"):
            named = args["override"]
            override = Override(frozenset(named["refs"]), named["reason"])
            check_override(override)
        ttl = parse_duration(args.get("ttl", "PT15M")).elapsed
        if not timedelta(0) < ttl <= MAX_TTL:
            raise InvalidInput("invalid_ttl", "A hold lasts at most 72 hours.", field="ttl")
        decision = self.check(args)
        settled = settle(decision, override)
        if not settled.passes:
            raise Refused(replace(decision, reasons=settled.refusing))
        contact = self._subject(args)[0]
        person = self.people[contact.id] if contact.id is not None else self._add_person(email_key(args["email"]))
        question = self.question({**args, "contact": person.id})
        fact = TouchpointFact(
            id=args.get("as") or self._new_id(),
            contact=person.id,
            account=person.account,
            at=question.at,
            team=question.team,
            channel=question.channel,
            purpose=question.purpose,
            direction=question.direction,
            engagement=question.engagement,
            status=status,
            expires_at=self.now + ttl if status is TouchpointStatus.RESERVED else None,
        )
        return fact, {"overridden": list(settled.overridden), "new_conflicts": self._put(fact)}

    def confirm(self, ref: str) -> TouchpointFact:
        fact = self.touchpoints[ref]
        if fact.status is TouchpointStatus.PLANNED:
            return fact
        if fact.status_at(self.now) is TouchpointStatus.EXPIRED:
            raise Conflict("reservation_expired", "The hold has lapsed.")
        if fact.status is not TouchpointStatus.RESERVED:
            raise Conflict("not_reserved", "This is no reservation any more.")
        confirmed = replace(fact, status=TouchpointStatus.PLANNED, expires_at=None)
        self.touchpoints[ref] = confirmed
        return confirmed

    def cancel(self, ref: str) -> None:
        self.touchpoints[ref] = replace(self.touchpoints[ref], status=TouchpointStatus.CANCELLED)

    def reschedule(self, ref: str, at: datetime) -> None:
        fact = self.touchpoints[ref]
        person = self.person(fact.contact or "")
        question = Question(
            contact=self.view(person),
            at=at,
            team=fact.team,
            channel=fact.channel,
            purpose=fact.purpose,
            engagement=fact.engagement,
            direction=fact.direction,
            ignoring=frozenset({ref}),
        )
        decision = evaluate(self.rules, self.history(question.contact), question, self.now)
        if not decision.eligible:
            raise Refused(decision)
        self.touchpoints[ref] = replace(fact, at=at)

    def record(self, args: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        """Store a fact; nothing refuses it. Returns its violations and the bookings it pushes into
        conflict.
        """
        question = self.question(args)
        if question.at > self.now + timedelta(minutes=5):
            raise InvalidInput("completed_in_future", "This has not happened yet.", field="at")
        violations = failing_refs(self.rules, self.history(question.contact), question, self.now)
        fact = replace(self._fact({**args, "id": self._new_id()}), contact=question.contact.id)
        return list(violations), self._put(fact)

    # --- identity
    # ----------------------------------------------------------------------------------------------------

    def merge(self, into: str, gone: str) -> tuple[bool, list[str]]:
        """Returns whether it changed nothing, and the bookings now in conflict."""
        if into == gone:
            raise InvalidInput("merge_into_self", "A person cannot be merged into themselves.")
        survivor = self.person(into)
        other = self.people[gone]
        if other.merged_into is not None:
            return True, []
        befores = {p.id: (self.view(p), self.history(self.view(p))) for p in (survivor, other)}
        survivor.keys += other.keys
        survivor.segments |= other.segments
        survivor.account = survivor.account or other.account
        survivor.tz = survivor.tz or other.tz
        other.merged_into, other.keys = survivor.id, []
        for ref, fact in self.touchpoints.items():
            if fact.contact == gone:
                self.touchpoints[ref] = replace(fact, contact=survivor.id)
        self.suppressions = [replace(s, contact=into) if s.contact == gone else s for s in self.suppressions]
        self.consents = [replace(c, contact=into) if c.contact == gone else c for c in self.consents]
        view = self.view(survivor)
        after = self.history(view)
        once = {
            ref for _, before in befores.values() for ref in new_conflicts(self.rules, view, before, after, self.now)
        }
        return False, [fact.id for fact in after.contact if fact.id in once]

    def erase(self, ref: str) -> int:
        person = self.person(ref)
        for key in person.keys:
            self.suppressions.append(
                SuppressionFact(
                    id=f"erasure-{len(self.suppressions)}",
                    source=SuppressionSource.ERASURE,
                    address=address_keys(key),
                )
            )
        for touchpoint, fact in self.touchpoints.items():
            if fact.contact == ref:
                status = TouchpointStatus.CANCELLED if fact.status in _BOOKED else fact.status
                self.touchpoints[touchpoint] = replace(fact, contact=None, engagement=None, status=status)
        erased, person.keys, person.erased = len(person.keys), [], True
        return erased

    def import_rows(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        seen: set[str] = set()
        return [self._import_row(row, seen) for row in rows]

    def _import_row(self, row: Mapping[str, Any], seen: set[str]) -> dict[str, Any]:
        try:
            key = email_key(row["email"])
        except InvalidInput as error:
            return {"outcome": "error", "error": error.code}
        keys = address_keys(key)
        erasures = (s for s in self.suppressions if s.source is SuppressionSource.ERASURE and s.address)
        if any(s.address and not s.address.loose.isdisjoint(keys.loose) for s in erasures):
            return {"outcome": "suppressed"}
        external = row.get("external_id")
        if external is not None and external in seen:
            return {"outcome": "duplicate_in_file"}
        person = self._owner(key) or self._add_person(key)
        if "at" not in row and "date" not in row:
            return {"outcome": "contact_only"}
        status = "completed" if row.get("status") == "held" else row.get("status", "completed")
        known = self.external.get(external or "")
        ref = known or self._new_id()
        fact = self._fact({**row, "id": ref, "contact": person.id, "status": status})
        if external is not None:
            seen.add(external)
            self.external[external] = ref
        before = self.touchpoints.get(ref)
        self.touchpoints[ref] = fact
        if before is None:
            return {"outcome": "created"}
        return {"outcome": "unchanged" if before == fact else "updated"}

    # --- many -------------------------------------------------------------------------------------------
    # -------------

    def check_batch(self, items: Sequence[Mapping[str, Any]], mode: str) -> list[dict[str, Any]]:
        rows: list[BatchRow | AppError] = []
        for item in items:
            try:
                question = self._question_ahead(item)
                person = question.contact.id or email_key(item["email"])
                rows.append(BatchRow(person, question, self.history(question.contact)))
            except AppError as error:
                rows.append(error)
        answers = []
        for answer in check_batch(self.rules, rows, BatchMode(mode), self.now):
            shown: dict[str, Any] = {"index": answer.index, "status": answer.status}
            if answer.duplicate_of is not None:
                shown["duplicate_of"] = answer.duplicate_of
            if answer.error is not None:
                shown["error"] = answer.error.code
            if answer.decision is not None:
                shown["decision"] = answer.decision.decision.value
                shown["reasons"] = [reason.ref for reason in answer.decision.reasons]
                shown["next_eligible_at"] = text(answer.decision.next_eligible_at)
            answers.append(shown)
        return answers

    def simulate(self, policies: Sequence[Mapping[str, Any]], args: Mapping[str, Any]) -> dict[str, list[str]]:
        proposed = replace(self.rules, policies=parse_policies(policies, version=2), version=2)
        question = Question(ContactView(None), instant(args["at"]), args["team"], args["channel"], args["purpose"])
        run = Simulation(self.rules, proposed, question, self.now)
        for person in self.live_people():
            run.add(self.view(person), self.history(self.view(person)))
        found = run.difference()
        return {
            "newly_ineligible": list(found.newly_ineligible),
            "newly_eligible": list(found.newly_eligible),
            "new_planned_conflicts": list(found.new_planned_conflicts),
        }

    # --- inside -----------------------------------------------------------------------------------------
    # -------------

    def _put(self, fact: TouchpointFact) -> list[str]:
        """Store a touchpoint and return the bookings of its person and account that it pushes into
        conflict.
        """
        reached = [
            person
            for person in self.live_people()
            if person.id == fact.contact or (person.account is not None and person.account == fact.account)
        ]
        befores = {person.id: self.history(self.view(person)) for person in reached}
        self.touchpoints[fact.id] = fact
        found: list[str] = []
        for person in reached:
            view = self.view(person)
            after = self.history(view)
            found += new_conflicts(self.rules, view, befores[person.id], after, self.now, besides=[fact.id])
        return found

    def _subject(self, args: Mapping[str, Any]) -> tuple[ContactView, str | None]:
        if "contact" in args:
            return self.view(self.person(args["contact"])), None
        key = email_key(args["email"])
        owner = self._owner(key)
        view = self.view(owner) if owner is not None else ContactView(None, addresses=(address_keys(key),))
        return view, key

    def _owner(self, key: str) -> Person | None:
        return next((person for person in self.live_people() if key in person.keys), None)

    def _add_person(self, key: str) -> Person:
        person = Person(id=self._new_id("con"), keys=[key])
        self.people[person.id] = person
        return person

    def _new_id(self, kind: str = "tp") -> str:
        self.made += 1
        return f"{kind}-new-{self.made:04d}"

    def _fact(self, args: Mapping[str, Any]) -> TouchpointFact:
        person = self.people.get(args.get("contact") or "")
        day = args.get("date")
        return TouchpointFact(
            id=args["id"],
            contact=args.get("contact"),
            account=args.get("account") or (person.account if person else None),
            at=instant(args["at"]) if "at" in args else None,
            date=date.fromisoformat(day) if day else None,
            team=args["team"],
            channel=args["channel"],
            purpose=args["purpose"],
            direction=Direction(args.get("direction", "outbound")),
            engagement=args.get("engagement"),
            status=TouchpointStatus(args["status"]),
            expires_at=instant(args["expires_at"]) if args.get("expires_at") else None,
            tz=(person.tz or self.accounts.get(person.account or "") or self.rules.tz) if person else None,
        )
