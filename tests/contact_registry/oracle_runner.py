"""Runs operations on the oracle and answers as `RealRunner` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from contact_registry.addresses import address_keys, domain_key, email_key
from contact_registry.values import (
    ConsentFact,
    ConsentState,
    RuleBook,
    SuppressionFact,
    SuppressionSource,
    TouchpointFact,
    TouchpointStatus,
)
from core.errors import AppError
from tests.contact_registry.memory_values import Refused
from tests.contact_registry.operations import REASON, Answer, Names, Operation
from tests.contact_registry.oracle_registry import OracleRegistry

_OUTCOMES = {
    "completed": TouchpointStatus.COMPLETED,
    "no_show": TouchpointStatus.NO_SHOW,
    "cancelled": TouchpointStatus.CANCELLED,
    "voided": TouchpointStatus.VOIDED,
}


class OracleRunner:
    """The oracle's own ids are names already, except where it makes one of its own."""

    def __init__(self, registry: OracleRegistry, names: Names | None = None) -> None:
        self.registry = registry
        self.names = names or Names()
        self._kinds: dict[str, Callable[[Operation], Answer]] = {
            "check": self._check,
            "batch_check": self._batch_check,
            "reserve": lambda operation: self._claim(operation, TouchpointStatus.RESERVED),
            "book": lambda operation: self._claim(operation, TouchpointStatus.PLANNED),
            "record": self._record,
            "reschedule": self._reschedule,
            "merge": self._merge,
            "unmerge": lambda operation: {"from": self._name(self.registry.part(self._person(operation)))},
            "suppress": self._suppress,
            "lift": self._lift,
            "consent": self._consent,
            "erase": self._erase,
            "import": self._import,
            "undo": self._undo,
        }

    @classmethod
    def of(cls, now: datetime, rules: RuleBook, accounts: tuple[str, ...]) -> OracleRunner:
        registry = OracleRegistry(now=now, rules=rules)
        registry.accounts = dict.fromkeys(accounts)
        return cls(registry)

    def copy(self) -> OracleRunner:
        return OracleRunner(self.registry.copy(), self.names.copy())

    def run(self, operation: Operation) -> Answer:
        """Return what became of it; a refusal is an answer too."""
        try:
            if operation.kind in self._kinds:
                return self._kinds[operation.kind](operation)
            return self._change(operation)
        except Refused as refused:
            return {
                "error": "not_eligible",
                "reasons": self.names.stops([reason.ref for reason in refused.decision.reasons]),
                "next": refused.decision.next_eligible_at,
            }
        except AppError as error:
            return {"error": error.code}

    def _name(self, key: str) -> str:
        return self.names.name(key)

    def _person(self, operation: Operation) -> str:
        return self.names.id(operation.args["contact"])

    def _asked(self, operation: Operation) -> dict[str, Any]:
        asked: dict[str, Any] = dict(operation.args)
        asked["at"] = asked["at"].isoformat()
        if "contact" in asked:
            asked["contact"] = self.names.id(asked["contact"])
        if asked.get("override"):
            asked["override"] = {"refs": [self.names.id(ref) for ref in asked["override"]], "reason": REASON}
        return asked

    def _touchpoint(self, operation: Operation, fact: TouchpointFact, conflicts: Sequence[str] = ()) -> Answer:
        self.names.name_or_new(fact.id, operation.name)
        status = fact.status_at(self.registry.now)
        return {
            "status": status.value,
            "contact": self.names.name_or_new(fact.contact, f"{operation.name}.person"),
            "at": fact.at,
            "expires_at": fact.expires_at if fact.status is TouchpointStatus.RESERVED else None,
            "violations": self.names.stops(self.registry.violations.get(fact.id, [])),
            "overridden": self.names.stops(self.registry.overridden.get(fact.id, [])),
            "new_conflicts": self.names.sorted(conflicts),
        }

    def _check(self, operation: Operation) -> Answer:
        if operation.args["at"] < self.registry.now:
            return {"error": "at_in_past"}  # whoever is asked about
        decision = self.registry.check(self._asked(operation))
        return {
            "decision": decision.decision.value,
            "contact": None if decision.contact is None else self._name(decision.contact),
            "reasons": self.names.stops([reason.ref for reason in decision.reasons]),
            "next": decision.next_eligible_at,
            "may_improve": decision.may_improve_at,
        }

    def _batch_check(self, operation: Operation) -> Answer:
        items = [self._asked(Operation("", "check", item)) for item in operation.args["items"]]
        return {
            "items": [
                {
                    "status": item["status"],
                    "decision": item.get("decision"),
                    "reasons": None if item.get("reasons") is None else self.names.stops(item["reasons"]),
                    "next": None if item.get("next_eligible_at") is None else _read(item["next_eligible_at"]),
                    "duplicate_of": item.get("duplicate_of"),
                    "error": item.get("error"),
                }
                for item in self.registry.check_batch(items, operation.args["mode"])
            ]
        }

    def _claim(self, operation: Operation, status: TouchpointStatus) -> Answer:
        fact, more = self.registry.claim(self._asked(operation), status)
        self.registry.overridden[fact.id] = more["overridden"]
        return self._touchpoint(operation, fact, more["new_conflicts"])

    def _record(self, operation: Operation) -> Answer:
        asked = self._asked(operation) | {"at": operation.args["at"]}
        fact, _, conflicts = self.registry.store(asked)
        return self._touchpoint(operation, fact, conflicts)

    def _reschedule(self, operation: Operation) -> Answer:
        ref = self.names.id(operation.args["touchpoint"])
        conflicts = self.registry.move(ref, operation.args["at"])
        return self._touchpoint(operation, self.registry.touchpoints[ref], conflicts)

    def _change(self, operation: Operation) -> Answer:
        ref = self.names.id(operation.args["touchpoint"])
        if operation.kind == "confirm":
            return self._touchpoint(operation, self.registry.confirm(ref))
        if operation.kind == "release":
            return self._touchpoint(operation, self.registry.release(ref))
        return self._touchpoint(operation, self.registry.set_outcome(ref, _OUTCOMES[operation.kind]))

    def _merge(self, operation: Operation) -> Answer:
        into, source = (self.names.id(operation.args[key]) for key in ("into", "source"))
        noop, conflicts = self.registry.unite(into, source)
        return {"noop": noop, "new_conflicts": self.names.sorted(conflicts)}

    def _suppress(self, operation: Operation) -> Answer:
        kind, subject = operation.args["subject"]
        found = self.registry.suppress(
            SuppressionFact(
                id=operation.name,
                source=SuppressionSource(operation.args["source"]),
                contact=self.registry.person(self.names.id(subject)).id if kind == "contact" else None,
                account=subject if kind == "account" else None,
                domain=domain_key(subject) if kind == "domain" else None,
                address=address_keys(email_key(subject)) if kind == "email" else None,
                channels=_set(operation.args, "channels"),
                purposes=_set(operation.args, "purposes"),
                ends_at=operation.args.get("until"),
            )
        )
        self.names.put(operation.name, operation.name)
        return {"new_conflicts": self.names.sorted(found)}

    def _lift(self, operation: Operation) -> Answer:
        stop = operation.args["stop"]
        self.registry.suppressions = [one for one in self.registry.suppressions if one.id != stop]
        return {"lifted": True}

    def _consent(self, operation: Operation) -> Answer:
        args = operation.args
        consent = ConsentFact(
            self._person(operation),
            args["purpose"],
            args.get("channel"),
            ConsentState(args["state"]),
            args["effective_from"],
            args.get("effective_until"),
        )
        found = self.registry.add_consent(consent)
        return {
            "contact": self._name(self.registry.consents[-1].contact),
            "new_conflicts": self.names.sorted(found),
        }

    def _erase(self, operation: Operation) -> Answer:
        suppressed, cancelled, noop = self.registry.forget(self._person(operation))
        return {"suppressed": suppressed, "cancelled": cancelled, "noop": noop}

    def _import(self, operation: Operation) -> Answer:
        rows, conflicts = self.registry.take_in(operation.name, operation.args["rows"])
        self.names.put(operation.name, operation.name)
        for number, row in enumerate(rows, start=1):
            if row.get("touchpoint") is not None:
                self.names.name_or_new(row["touchpoint"], f"{operation.name}.{number}")
        return {
            "rows": [
                (
                    row["outcome"],
                    row.get("error"),
                    self.names.name_or_new(row.get("contact"), f"{operation.name}.{number}.person"),
                )
                for number, row in enumerate(rows, start=1)
            ],
            "new_conflicts": self.names.sorted(conflicts),
        }

    def _undo(self, operation: Operation) -> Answer:
        self.registry.undo(operation.args["import"])
        return {"status": "undone"}

    def state(self) -> dict[str, Any]:
        """Return what people and touchpoints look like now, by name."""
        registry, name = self.registry, self._name
        touchpoints = {
            name(key): (
                fact.status_at(registry.now).value,
                None if fact.contact is None else name(fact.contact),
                fact.account,
                fact.at,
                fact.engagement,
            )
            for key, fact in registry.touchpoints.items()
        }
        people = {
            name(key): (
                "erased" if one.erased else name(one.merged_into) if one.merged_into else "live",
                one.account,
                one.tz,
            )
            for key, one in registry.people.items()
        }
        return touchpoints | people


def _set(args: Mapping[str, Any], name: str) -> frozenset[str] | None:
    return frozenset(args[name]) if args.get(name) else None


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text)
