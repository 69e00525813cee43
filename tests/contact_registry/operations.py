"""Operations on a registry as values, so that the real one and the oracle can be told the same things.

People, touchpoints, stops and imports have names: those of the operations that made them. Each runner knows which of
its own ids a name means, and answers in names, so that answers can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import select

from contact_registry.repeats import RequestKey
from contact_registry.schemas import BatchCheckIn, OverrideIn, QuestionIn, ReserveIn, TouchpointIn, TouchpointOut
from contact_registry.schemas_imports import ImportIn
from contact_registry.schemas_people import ConsentIn, EraseIn, LiftIn, SuppressionIn
from contact_registry.tables import Contact
from core.errors import AppError
from tests.contact_registry.registry_world import CRM, RegistryWorld

Answer = dict[str, Any]
REASON = "the customer asked us to"


@dataclass(frozen=True)
class Operation:
    """`name` is that of what it makes; `args` hold names, never ids."""

    name: str
    kind: str
    args: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        said = ", ".join(f"{key}={value}" for key, value in self.args.items())
        return f"{self.name}: {self.kind}({said})"


class Names:
    """Which id of one registry each name stands for, and back."""

    def __init__(self, *, is_alone: bool = True) -> None:
        self.is_alone = is_alone  # False: a name that is missing here may be one that another caller gave
        self._ids: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def put(self, name: str, key: str) -> None:
        self._ids[name] = key
        self._names[key] = name

    def __contains__(self, name: str) -> bool:
        return name in self._ids

    def id(self, name: str) -> str:
        return self._ids.get(name, name)

    def name(self, key: str) -> str:
        return self._names.get(key, key)

    def name_or_new(self, key: str | None, name: str) -> str | None:
        """Return the name of the id, which is `name` from now on if it has none."""
        if key is not None and key not in self._names:
            self.put(name, key)
        return None if key is None else self._names[key]

    def sorted(self, keys: Sequence[str]) -> list[str]:
        return sorted(self.name(key) for key in keys)

    def stops(self, refs: Sequence[str]) -> list[str]:
        """Return the names of rules and stops, sorted; see `erasures_alike`."""
        return erasures_alike(self.sorted(refs), self.is_alone)

    def copy(self) -> Names:
        other = Names(is_alone=self.is_alone)
        other._ids, other._names = dict(self._ids), dict(self._names)
        return other

    def items(self) -> list[tuple[str, str]]:
        return list(self._ids.items())


def erasures_alike(refs: Sequence[str], is_complete: bool = True) -> list[str]:
    """Return the names with one word for every stop that an erasure left: those have no names."""
    if not is_complete:
        return list(refs)
    return sorted("erasure" if ref.startswith(("sup_", "erasure-")) else ref for ref in refs)


class RealRunner:
    """Runs operations on the registry itself; `keyed` sends every one that may be repeated with a key of its own."""

    def __init__(self, world: RegistryWorld, names: Names | None = None, *, keyed: bool = False) -> None:
        self.world = world
        self.names = names or Names()
        self._keyed = keyed
        self._kinds: dict[str, Callable[[Operation], Answer]] = {
            "check": self._check,
            "batch_check": self._batch_check,
            "reserve": self._reserve,
            "book": self._book,
            "record": self._record,
            "reschedule": self._reschedule,
            "merge": self._merge,
            "unmerge": self._unmerge,
            "suppress": self._suppress,
            "lift": self._lift,
            "consent": self._consent,
            "erase": self._erase,
            "import": self._import,
            "undo": self._undo,
        }

    def run(self, operation: Operation) -> Answer:
        """Return what became of it; a refusal is an answer too."""
        try:
            if operation.kind in self._kinds:
                return self._kinds[operation.kind](operation)
            return self._change(operation)
        except AppError as error:
            if error.code != "not_eligible":
                return {"error": error.code}
            return {
                "error": error.code,
                "reasons": self.names.stops([reason["ref"] for reason in error.extra["reasons"]]),
                "next": _instant(error.extra["next_eligible_at"]),
            }

    def _key(self, operation: Operation) -> RequestKey | None:
        if not self._keyed:
            return None
        return RequestKey(CRM.id, operation.name, "POST", f"/{operation.kind}", repr(operation))

    def _asked(self, operation: Operation) -> dict[str, Any]:
        asked = dict(operation.args)
        if "contact" in asked:
            asked["contact"] = self.names.id(asked["contact"])
        if asked.get("override"):
            asked["override"] = OverrideIn(refs=[self.names.id(ref) for ref in asked["override"]], reason=REASON)
        return asked

    def _touchpoint(self, operation: Operation, out: TouchpointOut) -> Answer:
        self.names.name_or_new(out.id, operation.name)
        return {
            "status": out.status,
            "contact": self.names.name_or_new(out.contact, f"{operation.name}.person"),
            "at": out.at,
            "expires_at": out.expires_at,
            "violations": self.names.stops(out.violations),
            "overridden": self.names.stops(out.overridden),
            "new_conflicts": self.names.sorted(out.new_conflicts),
        }

    def _check(self, operation: Operation) -> Answer:
        out = self.world.registry.check(QuestionIn.model_validate(self._asked(operation)), CRM)
        return {
            "decision": out.decision,
            "contact": None if out.contact is None else self.names.name(out.contact),
            "reasons": self.names.stops([reason.ref for reason in out.reasons]),
            "next": out.next_eligible_at,
            "may_improve": out.may_improve_at,
        }

    def _batch_check(self, operation: Operation) -> Answer:
        items = [
            item | ({"contact": self.names.id(item["contact"])} if "contact" in item else {})
            for item in operation.args["items"]
        ]
        out = self.world.registry.batch_check(BatchCheckIn(mode=operation.args["mode"], items=items), CRM)
        return {
            "items": [
                {
                    "status": item.status,
                    "decision": item.decision,
                    "reasons": None if item.reasons is None else self.names.stops(item.reasons),
                    "next": item.next_eligible_at,
                    "duplicate_of": item.duplicate_of,
                    "error": item.error,
                }
                for item in out.items
            ]
        }

    def _reserve(self, operation: Operation) -> Answer:
        asked = ReserveIn.model_validate(self._asked(operation))
        return self._touchpoint(operation, self.world.registry.reserve(asked, CRM, self._key(operation)))

    def _book(self, operation: Operation) -> Answer:
        asked = TouchpointIn.model_validate(self._asked(operation))
        return self._touchpoint(operation, self.world.registry.book(asked, CRM, self._key(operation)))

    def _record(self, operation: Operation) -> Answer:
        asked = TouchpointIn.model_validate(self._asked(operation))
        return self._touchpoint(operation, self.world.registry.record(asked, CRM, self._key(operation)))

    def _reschedule(self, operation: Operation) -> Answer:
        touchpoint = self.names.id(operation.args["touchpoint"])
        return self._touchpoint(operation, self.world.registry.reschedule(touchpoint, operation.args["at"], CRM))

    def _change(self, operation: Operation) -> Answer:
        """Confirm, release, or tell an outcome."""
        touchpoint, registry = self.names.id(operation.args["touchpoint"]), self.world.registry
        if operation.kind == "confirm":
            return self._touchpoint(operation, registry.confirm(touchpoint, CRM))
        if operation.kind == "release":
            return self._touchpoint(operation, registry.release(touchpoint, CRM))
        return self._touchpoint(operation, registry.set_outcome(touchpoint, operation.kind, CRM))

    def _merge(self, operation: Operation) -> Answer:
        into, source = self.names.id(operation.args["into"]), self.names.id(operation.args["source"])
        out = self.world.registry.merging.merge(into, source, CRM)
        return {"noop": out.noop, "new_conflicts": self.names.sorted(out.new_conflicts)}

    def _unmerge(self, operation: Operation) -> Answer:
        out = self.world.registry.merging.unmerge(self.names.id(operation.args["contact"]), CRM)
        return {"from": self.names.name(out.into)}

    def _suppress(self, operation: Operation) -> Answer:
        kind, subject = operation.args["subject"]
        sent = {"subject": {kind: self.names.id(subject) if kind == "contact" else subject}}
        sent |= {key: value for key, value in operation.args.items() if key != "subject"}
        out = self.world.registry.stops.suppress(SuppressionIn.model_validate(sent), CRM, self._key(operation))
        self.names.name_or_new(out.id, operation.name)
        return {"new_conflicts": self.names.sorted(out.new_conflicts)}

    def _lift(self, operation: Operation) -> Answer:
        stop = self.names.id(operation.args["stop"])
        self.world.registry.stops.lift(stop, LiftIn(evidence="came back through our form"), CRM)
        return {"lifted": True}

    def _consent(self, operation: Operation) -> Answer:
        sent = ConsentIn.model_validate(self._asked(operation))
        out = self.world.registry.stops.add_consent(sent, CRM, self._key(operation))
        return {"contact": self.names.name(out.contact), "new_conflicts": self.names.sorted(out.new_conflicts)}

    def _erase(self, operation: Operation) -> Answer:
        out = self.world.registry.erasure.erase(self.names.id(operation.args["contact"]), EraseIn(), CRM)
        return {"suppressed": out.suppressed_addresses, "cancelled": out.cancelled, "noop": out.noop}

    def _import(self, operation: Operation) -> Answer:
        out = self.world.registry.imports.run(ImportIn(rows=operation.args["rows"]), CRM, self._key(operation))
        assert out.id is not None, "this was no dry run"
        self.names.name_or_new(out.id, operation.name)
        for row in out.rows:
            if row.touchpoint is not None:
                self.names.name_or_new(row.touchpoint, f"{operation.name}.{row.row}")
        return {
            "rows": [
                (row.outcome, row.error, self.names.name_or_new(row.contact, f"{operation.name}.{row.row}.person"))
                for row in out.rows
            ],
            "new_conflicts": self.names.sorted(out.new_conflicts),
        }

    def _undo(self, operation: Operation) -> Answer:
        return {"status": self.world.registry.imports.undo(self.names.id(operation.args["import"]), CRM).status}

    def state(self) -> dict[str, Any]:
        """Return what people and touchpoints look like now, by name."""
        named = {key: name for name, key in self.names.items()}
        now = self.world.clock.now()
        touchpoints = {}
        for row in self.world.rows():
            status = row.status
            if status == "reserved" and row.expires_at is not None and now >= row.expires_at:
                status = "expired"
            contact = None if row.contact_id is None else named[row.contact_id]
            touchpoints[named[row.id]] = (status, contact, row.account_id, row.at, row.engagement)
        with self.world.database.read() as session:
            rows = {row.id: row for row in session.exec(select(Contact))}
        people = {
            named[key]: (
                "erased" if row.erased_at else named[row.merged_into] if row.merged_into else "live",
                row.account_id,
                row.tz,
            )
            for key, row in rows.items()
        }
        return touchpoints | people


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
