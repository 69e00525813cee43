"""The worked cases of the specification on the pure evaluator: every step, every key of every `expect`.

The cases stay outside the project: EARSHOT_SHARED names the folder that holds `bench/contact_cases.json`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contact_registry.addresses import email_key
from contact_registry.values import Decision, TouchpointStatus
from core.errors import AppError, InvalidInput
from tests.contact_registry.memory_registry import MemoryRegistry
from tests.contact_registry.memory_values import Refused, instant, read_consent, text

_FOLDER = os.environ.get("EARSHOT_SHARED")
_FILE = Path(_FOLDER) / "bench" / "contact_cases.json" if _FOLDER else None


def _load() -> list[dict[str, Any]]:
    if _FILE is None or not _FILE.exists():
        return []
    cases: list[dict[str, Any]] = json.loads(_FILE.read_text(encoding="utf-8"))["cases"]
    return cases


_CASES = _load()

Answer = dict[str, Any]


class Runner:
    """Executes the steps of one case and says what the API would have answered."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.world = MemoryRegistry.of(given)
        self._requests: dict[str, tuple[str, Answer]] = {}
        self._operations: dict[str, Callable[[dict[str, Any]], Answer]] = {
            "check": self._check,
            "reserve": lambda args: self._claim(args, TouchpointStatus.RESERVED),
            "book": lambda args: self._claim(args, TouchpointStatus.PLANNED),
            "confirm": lambda args: {"http": 200, "status": self.world.confirm(args["id"]).status.value},
            "cancel": self._cancel,
            "reschedule": self._reschedule,
            "record": self._record,
            "consent": self._consent,
            "merge": self._merge,
            "erase": lambda args: {"http": 200, "suppressed_addresses": self.world.erase(args["contact"])},
            "get": lambda args: {"http": 200, "id": self.world.person(args["contact"]).id},
            "stats": self._stats,
            "import": lambda args: {"http": 207, "rows": self.world.import_rows(args["rows"])},
            "batch_check": self._batch_check,
            "batch_reserve": self._batch_reserve,
            "simulate": lambda args: {"http": 200, **self.world.simulate(args["policies"], args["question"])},
            "normalise": lambda args: {"http": 200, "key": email_key(args["email"])},
        }

    def run(self, step: dict[str, Any]) -> Answer:
        if "now" in step:
            self.world.now = instant(step["now"])
        operation = self._operations.get(step["op"])
        if operation is None:
            pytest.skip(f"the pure runner cannot execute {step['op']!r}")
        try:
            return operation(step["args"])
        except Refused as refused:
            return {"http": 409, "error": "not_eligible", **_decision(refused.decision)}
        except AppError as error:
            return {"http": error.status, "error": error.code}

    def _check(self, args: dict[str, Any]) -> Answer:
        return {"http": 200, **_decision(self.world.check(args))}

    def _claim(self, args: dict[str, Any], status: TouchpointStatus) -> Answer:
        key = args.get("idempotency_key")
        body = json.dumps({name: value for name, value in args.items() if name != "as"}, sort_keys=True)
        if key in self._requests:
            earlier, answer = self._requests[key]
            if earlier != body:
                raise InvalidInput("idempotency_key_reused", "This key was used for another request.")
            return answer
        try:
            fact, extra = self.world.claim(args, status)
            answer = {
                "http": 201,
                "id": fact.id,
                "status": fact.status.value,
                "expires_at": text(fact.expires_at),
                **extra,
            }
        except Refused as refused:
            answer = {"http": 409, "error": "not_eligible", **_decision(refused.decision)}
        if key is not None:
            self._requests[key] = (body, answer)
        return answer

    def _cancel(self, args: dict[str, Any]) -> Answer:
        self.world.cancel(args["id"])
        return {"http": 200}

    def _reschedule(self, args: dict[str, Any]) -> Answer:
        self.world.reschedule(args["id"], instant(args["at"]))
        return {"http": 200}

    def _record(self, args: dict[str, Any]) -> Answer:
        violations, conflicts = self.world.record(args)
        return {"http": 201, "violations": violations, "new_conflicts": conflicts}

    def _consent(self, args: dict[str, Any]) -> Answer:
        self.world.consents.append(read_consent(args))
        return {"http": 201}

    def _merge(self, args: dict[str, Any]) -> Answer:
        noop, conflicts = self.world.merge(args["into"], args["from"])
        return {"http": 200, "noop": noop, "new_conflicts": conflicts}

    def _stats(self, args: dict[str, Any]) -> Answer:
        world = self.world
        person = world.person(args["contact"]).id if "contact" in args else None
        mine = [fact for fact in world.touchpoints.values() if person in (None, fact.contact)]
        gone = (TouchpointStatus.CANCELLED, TouchpointStatus.EXPIRED, TouchpointStatus.VOIDED)
        live = [fact for fact in mine if fact.status_at(world.now) not in gone]
        return {
            "http": 200,
            "contacts": len(world.live_people()),
            "touchpoints": len(mine),
            "live_touchpoints": len(live),
        }

    def _batch_check(self, args: dict[str, Any]) -> Answer:
        items = [{**args.get("defaults", {}), **item} for item in args["items"]]
        return {"http": 207, "items": self.world.check_batch(items, args.get("mode", "sequential"))}

    def _batch_reserve(self, args: dict[str, Any]) -> Answer:
        before = dict(self.world.touchpoints)
        items: list[Answer] = []
        for item in args["items"]:
            try:
                fact, _ = self.world.claim({**args.get("defaults", {}), **item}, TouchpointStatus.RESERVED)
                items.append({"status": 201, "id": fact.id})
            except Refused as refused:
                items.append({**_decision(refused.decision), "status": 409})
            except AppError as error:
                items.append({"status": error.status, "error": error.code})
        if not args.get("atomic"):
            return {"http": 207, "items": items}
        if all(item["status"] == 201 for item in items):
            return {"http": 201, "items": items}
        self.world.touchpoints = before
        undone = [{"status": 424} if item["status"] == 201 else item for item in items]
        return {"http": 409, "error": "batch_not_eligible", "items": undone}


def _decision(decision: Decision) -> Answer:
    return {
        "decision": decision.decision.value,
        "status": decision.status.value,
        "contact": decision.contact,
        "at": text(decision.at),
        "next_eligible_at": text(decision.next_eligible_at),
        "may_improve_at": text(decision.may_improve_at),
        "policy_version": decision.policy_version,
        "reasons": [
            {
                "code": reason.code.value,
                "ref": reason.ref,
                "clears_at": text(reason.clears_at),
                "overridable": reason.overridable,
                "level": reason.level.value,
            }
            for reason in decision.reasons
        ],
    }


def _assert_holds(expected: Any, actual: Any, path: str) -> None:
    """Subset match: every key given must be equal, arrays match in length and order."""
    if isinstance(expected, dict):
        assert isinstance(actual, dict), f"{path}: {actual!r} is no object"
        for key, value in expected.items():
            assert key in actual, f"{path}.{key} is missing"
            _assert_holds(value, actual[key], f"{path}.{key}")
    elif isinstance(expected, list):
        assert isinstance(actual, list), f"{path}: {actual!r} is no list"
        assert len(actual) == len(expected), f"{path}: {actual!r} is not {expected!r}"
        for index, value in enumerate(expected):
            _assert_holds(value, actual[index], f"{path}[{index}]")
    else:
        assert actual == expected, f"{path}: {actual!r} is not {expected!r}"


@pytest.mark.skipif(not _CASES, reason="EARSHOT_SHARED does not name a folder with bench/contact_cases.json")
@pytest.mark.parametrize("case", _CASES, ids=[case["id"] for case in _CASES])
def test_a_worked_case_of_the_specification_holds(case: dict[str, Any]) -> None:
    runner = Runner(case["given"])
    for number, step in enumerate(case["steps"]):
        answer = runner.run(step)
        _assert_holds(step["expect"], answer, f"{case['id']} step {number} ({step['op']})")
