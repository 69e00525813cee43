"""The oracle: the registry in memory with everything that operations need, written from the specification's sections.

Slow and plain on purpose: it rereads everything at every step, and it is copied whole to search for linearisations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from contact_registry.addresses import address_keys, email_key
from contact_registry.conflicts import broken_rules, future_bookings
from contact_registry.eligibility import evaluate, failing_refs
from contact_registry.values import (
    ConsentFact,
    PolicyKind,
    Question,
    SuppressionFact,
    SuppressionSource,
    TouchpointFact,
    TouchpointStatus,
)
from core.errors import AppError, Conflict, InvalidInput
from tests.contact_registry.memory_registry import MemoryRegistry
from tests.contact_registry.memory_values import Person, Refused

_S = TouchpointStatus
# As section b.1 draws them; besides, anything may be voided
_MAY_BECOME = {
    _S.RESERVED: {_S.CANCELLED},
    _S.PLANNED: {_S.COMPLETED, _S.NO_SHOW, _S.CANCELLED},
    _S.COMPLETED: {_S.NO_SHOW},
    _S.NO_SHOW: {_S.COMPLETED},
}
_BOOKED = (_S.PLANNED, _S.RESERVED)
_COPIED = (
    "accounts",
    "touchpoints",
    "external",
    "suppressions",
    "consents",
    "first_owner",
    "key_owner",
    "consent_owners",
    "filled",
    "imports",
    "undone",
    "violations",
    "overridden",
)
_TOLERANCE = timedelta(minutes=5)


@dataclass(slots=True)
class OracleRegistry(MemoryRegistry):
    # whose a touchpoint, stop or address was before its person was merged into another
    first_owner: dict[str, str] = field(default_factory=dict)
    key_owner: dict[str, str] = field(default_factory=dict)
    consent_owners: list[str] = field(default_factory=list)
    filled: dict[str, list[str]] = field(default_factory=dict)
    imports: dict[str, list[tuple[str, str, TouchpointFact | None]]] = field(default_factory=dict)
    undone: set[str] = field(default_factory=set)
    violations: dict[str, list[str]] = field(default_factory=dict)
    overridden: dict[str, list[str]] = field(default_factory=dict)

    def copy(self) -> OracleRegistry:
        """Return another one in the same state; facts are shared, they never change."""
        other = copy(self)
        other.people = {key: replace(person, keys=list(person.keys)) for key, person in self.people.items()}
        for name in _COPIED:
            setattr(other, name, copy(getattr(self, name)))
        return other

    def add_person(self, key: str, *emails: str, account: str | None = None, tz: str | None = None) -> None:
        keys = [email_key(email) for email in emails]
        self.people[key] = Person(id=key, keys=keys, account=account, tz=tz)
        self.key_owner |= dict.fromkeys(keys, key)

    # --- what becomes of a claim

    def confirm(self, ref: str) -> TouchpointFact:
        fact = self.touchpoints[ref]
        status = fact.status_at(self.now)
        if status in (_S.PLANNED, _S.COMPLETED, _S.NO_SHOW):
            return fact
        if status is not _S.RESERVED:
            raise self._ended(status)
        strict = replace(
            self.rules, policies=tuple(p for p in self.rules.policies if p.kind is PolicyKind.CONSENT_REQUIRED)
        )
        question = self._question_of(fact)
        decision = evaluate(strict, self.history(question.contact), question, self.now)
        if not decision.eligible:
            raise Refused(decision)
        self.touchpoints[ref] = replace(fact, status=_S.PLANNED, expires_at=None)
        return self.touchpoints[ref]

    def release(self, ref: str) -> TouchpointFact:
        fact = self.touchpoints[ref]
        status = fact.status_at(self.now)
        if status in (_S.CANCELLED, _S.EXPIRED):
            return fact
        if status is not _S.RESERVED:
            raise Conflict("already_confirmed", "")
        self.touchpoints[ref] = replace(fact, status=_S.CANCELLED)
        return self.touchpoints[ref]

    def set_outcome(self, ref: str, wanted: TouchpointStatus) -> TouchpointFact:
        fact = self.touchpoints[ref]
        status = fact.status_at(self.now)
        if status is wanted:
            return fact
        if wanted is not _S.VOIDED and wanted not in _MAY_BECOME.get(status, ()):
            raise Conflict("invalid_transition", "")
        self._require_past(fact, wanted)
        self.touchpoints[ref] = replace(fact, status=wanted)
        return self.touchpoints[ref]

    def move(self, ref: str, at: datetime) -> list[str]:
        fact = self.touchpoints[ref]
        status = fact.status_at(self.now)
        if status not in _BOOKED or fact.contact is None:
            raise self._ended(status)
        if at < self.now:
            raise InvalidInput("at_in_past", "")
        moved = replace(fact, at=at, date=None)
        question = self._question_of(moved)
        decision = evaluate(self.rules, self.history(question.contact), question, self.now)
        if not decision.eligible:
            raise Refused(decision)
        return self._put(moved)

    def store(self, args: Mapping[str, Any]) -> tuple[TouchpointFact, str, list[str]]:
        """Return (fact, created | updated | unchanged, new conflicts)."""
        status = TouchpointStatus(args.get("status", "completed"))
        contact = self._subject(args)[0]
        known = self.external.get(args.get("external_id") or "")
        fact = TouchpointFact(
            id=known or self._new_id(),
            contact=contact.id,
            account=contact.account,
            at=args["at"].astimezone(UTC),
            team=args["team"],
            channel=args["channel"],
            purpose=args["purpose"],
            engagement=args.get("engagement"),
            status=status,
        )
        self._require_past(fact, status)
        if contact.id is None:
            if any(s.source is SuppressionSource.ERASURE for s in self._stops_of(email_key(args["email"]))):
                raise Conflict("do_not_store", "")
            fact = replace(fact, contact=self._add_person(email_key(args["email"])).id)
        if known is not None:
            # a company's touchpoint stays with the company of the day it was made
            fact = replace(fact, account=self.touchpoints[known].account)
            if fact == replace(self.touchpoints[known], expires_at=None):
                return self.touchpoints[known], "unchanged", []
            fact = replace(fact, expires_at=self.touchpoints[known].expires_at)
        if args.get("external_id"):
            self.external[args["external_id"]] = fact.id
        question = self._question_of(fact)
        counts = status in (_S.COMPLETED, _S.NO_SHOW, _S.PLANNED)
        violations = failing_refs(self.rules, self.history(question.contact), question, self.now) if counts else ()
        self.violations[fact.id] = list(violations)
        found = self._put(fact)
        return fact, "created" if known is None else "updated", found if counts else []

    # --- people

    def unite(self, into: str, source: str) -> tuple[bool, list[str]]:
        """Merge: whether nothing changed, and the bookings that are in conflict since."""
        if into == source:
            raise InvalidInput("merge_into_self", "")
        survivor, gone = self.person(into), self.person(source)
        if survivor.id == gone.id:
            if source == gone.id:
                raise Conflict("merged_already", "")
            return True, []
        before = self._refused(survivor) | self._refused(gone)
        self.filled[gone.id] = [
            name for name in ("account", "tz") if getattr(survivor, name) is None and getattr(gone, name) is not None
        ]
        for name in self.filled[gone.id]:
            setattr(survivor, name, getattr(gone, name))
        for person in self.people.values():
            if person.merged_into == gone.id:
                person.merged_into = survivor.id
        gone.merged_into = survivor.id
        self._give(gone, survivor, lambda _: True)
        after = self._refused(survivor)
        return False, [ref for ref, rules in after.items() if not rules <= before.get(ref, frozenset())]

    def part(self, ref: str) -> str:
        """Un-merge; return whom the contact was part of."""
        gone = self.people[ref]
        if gone.erased:
            return self.person(ref).id  # raises Gone
        if gone.merged_into is None:
            raise Conflict("not_merged", "")
        survivor = self.people[gone.merged_into]
        for name in self.filled.pop(ref, []):
            if getattr(survivor, name) == getattr(gone, name):
                setattr(survivor, name, None)
        gone.merged_into = None
        self._give(survivor, gone, lambda owner: owner == ref)
        for touchpoint, fact in self.touchpoints.items():
            if fact.contact == ref:
                self.first_owner.pop(touchpoint, None)
        return survivor.id

    def _give(self, giver: Person, taker: Person, is_meant: Any) -> None:
        """Move what is the giver's and meant: all of it, or what was the taker's once."""
        for ref, fact in self.touchpoints.items():
            if fact.contact == giver.id and is_meant(self.first_owner.get(ref)):
                self.first_owner.setdefault(ref, giver.id)
                self.touchpoints[ref] = replace(fact, contact=taker.id)
        for index, stop in enumerate(self.suppressions):
            if stop.contact == giver.id and is_meant(self.first_owner.get(stop.id)):
                self.first_owner.setdefault(stop.id, giver.id)
                if self.first_owner[stop.id] == taker.id:
                    del self.first_owner[stop.id]
                self.suppressions[index] = replace(stop, contact=taker.id)
        for index, consent in enumerate(self.consents):
            if consent.contact == giver.id and is_meant(self.consent_owners[index]):
                self.consents[index] = replace(consent, contact=taker.id)
        moved = [key for key in giver.keys if is_meant(self.key_owner[key])]
        giver.keys = [key for key in giver.keys if key not in moved]
        taker.keys += moved

    def forget(self, ref: str) -> tuple[int, int, bool]:
        """Erase: how many addresses, how many bookings called off, whether nothing was left to do."""
        if self.people[ref].erased:
            return 0, 0, True
        person = self.person(ref)
        booked = sum(f.contact == person.id and f.status in _BOOKED for f in self.touchpoints.values())
        erased = self.erase(person.id)
        for other in self.people.values():
            if other is person or other.merged_into == person.id:
                other.erased, other.account, other.tz = True, None, None
        for touchpoint, key in [(t, k) for k, t in self.external.items() if self.touchpoints[t].contact is None]:
            del self.external[key]
            self.first_owner.pop(touchpoint, None)
        return erased, booked, False

    # --- stops and consent

    def suppress(self, stop: SuppressionFact) -> list[str]:
        self.suppressions.append(stop)
        return [
            ref for person in self.live_people() for ref, rules in self._refused(person).items() if stop.id in rules
        ]

    def add_consent(self, consent: ConsentFact) -> list[str]:
        person = self.person(consent.contact)
        before = self._refused(person)
        self.consents.append(replace(consent, contact=person.id))
        self.consent_owners.append(person.id)
        return [ref for ref, rules in self._refused(person).items() if not rules <= before.get(ref, frozenset())]

    # --- files

    def take_in(self, name: str, rows: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
        seen: set[tuple[Any, ...]] = set()
        self.imports[name] = []
        found: list[str] = []
        out = []
        for row in rows:
            try:
                out.append(self._take_row(name, row, seen, found))
            except AppError as error:
                stopped = error.code == "do_not_store"
                out.append({"outcome": "suppressed"} if stopped else {"outcome": "error", "error": error.code})
        return out, found

    def _take_row(
        self, name: str, row: Mapping[str, Any], seen: set[tuple[Any, ...]], found: list[str]
    ) -> dict[str, Any]:
        key = email_key(row["email"])
        external = row.get("external_id")
        mark = ("id", external) if external else (key, row["at"], row["team"], row["channel"], row["purpose"])
        repeated = mark in seen
        seen.add(mark)
        if repeated:
            return {"outcome": "duplicate_in_file", "contact": self._subject({"email": key})[0].id}
        before = self.touchpoints.get(self.external.get(external or "", ""))
        fact, outcome, conflicts = self.store(row)
        found += [ref for ref in conflicts if ref not in found]
        self.imports[name].append((fact.id, outcome, before))
        return {"outcome": outcome, "contact": fact.contact, "touchpoint": fact.id}

    def undo(self, name: str) -> None:
        if name in self.undone:
            raise Conflict("already_undone", "")
        self.undone.add(name)
        for ref, outcome, before in self.imports[name]:
            if self.touchpoints[ref].contact is None:
                continue  # forgotten since
            if outcome == "created":
                self.touchpoints[ref] = replace(self.touchpoints[ref], status=_S.VOIDED)
                self.external = {key: other for key, other in self.external.items() if other != ref}
            elif outcome == "updated" and before is not None:
                self.touchpoints[ref] = self._restored(ref, before)

    def _restored(self, ref: str, before: TouchpointFact) -> TouchpointFact:
        """What the touchpoint was, of whoever that person is now; of an erased one nothing comes back."""
        try:
            owner = self.person(before.contact or "").id
        except AppError:
            owner = self.touchpoints[ref].contact or ""
        return replace(before, contact=owner, expires_at=self.touchpoints[ref].expires_at)

    # --- inside

    def _refused(self, person: Person) -> dict[str, frozenset[str]]:
        """The person's bookings ahead that rules refuse today, with those rules."""
        view = self.view(person)
        history = self.history(view)
        refused = {
            booking.id: frozenset(broken_rules(self.rules, history, view, booking, self.now))
            for booking in future_bookings(history.contact, self.now)
        }
        return {ref: rules for ref, rules in refused.items() if rules}

    def _question_of(self, fact: TouchpointFact) -> Question:
        assert fact.at is not None, "operations give instants"
        return Question(
            contact=self.view(self.person(fact.contact or "")),
            at=fact.at,
            team=fact.team,
            channel=fact.channel,
            purpose=fact.purpose,
            engagement=fact.engagement,
            direction=fact.direction,
            ignoring=frozenset({fact.id}),
        )

    def _add_person(self, key: str) -> Person:
        person = MemoryRegistry._add_person(self, key)
        self.key_owner[key] = person.id
        return person

    def _stops_of(self, key: str) -> list[SuppressionFact]:
        loose = address_keys(key).loose
        return [s for s in self.suppressions if s.address is not None and not s.address.loose.isdisjoint(loose)]

    def _require_past(self, fact: TouchpointFact, status: TouchpointStatus) -> None:
        assert fact.at is not None, "operations give instants"
        if status in (_S.COMPLETED, _S.NO_SHOW) and fact.at > self.now + _TOLERANCE:
            raise InvalidInput("completed_in_future", "")

    def _ended(self, status: TouchpointStatus) -> Conflict:
        return Conflict("reservation_expired" if status is _S.EXPIRED else f"touchpoint_{status.value}", "")
