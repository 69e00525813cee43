"""Was what several callers were told at the same time also possible one after another?

Every call of a history is known with the moments before and after it. A linearisation is an order of all calls in
which no call comes before one that had returned when it began, and in which the oracle, told them one after another,
gives every recorded answer. The search is that of Wing and Gong (1993) with the states already tried remembered
(Lowe 2017): the same calls done with the same state left behind need no second look.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.contact_registry.operation_worlds import PEOPLE
from tests.contact_registry.operations import Answer, Operation, RealRunner, erasures_alike
from tests.contact_registry.oracle_runner import OracleRunner
from tests.contact_registry.registry_world import NOW

_CLAIMS = ("reserve", "reserve", "reserve", "book", "book")
_ABOUT_OWN = ("confirm", "release", "cancelled", "reschedule")
_ABOUT_ALL = ("merge", "unmerge", "suppress", "consent", "erase", "check")
_WHOM: tuple[dict[str, str], ...] = (
    {"contact": "jane"},
    {"contact": "joe"},
    {"email": "j.anedoe+list@googlemail.com"},
    {"email": "new@corp.example"},
    {"email": "NEW@corp.example"},
)


@dataclass(frozen=True)
class Call:
    """One operation of one caller; times in nanoseconds of the machine's monotonic clock."""

    operation: Operation
    answer: Answer
    called_ns: int
    returned_ns: int


def random_plan(draw: random.Random, caller: int, length: int, *, only_claims: bool = False) -> list[Operation]:
    """Return what one caller does: mostly claims of people whom the others claim too."""
    plan: list[Operation] = []
    for number in range(length):
        name = f"c{caller}.{number}"
        own = [one.name for one in plan if one.kind in _CLAIMS]
        dice = draw.random()
        if own and dice < 0.25 and not only_claims:
            kind = draw.choice(_ABOUT_OWN)
            args: dict[str, Any] = {"touchpoint": draw.choice(own)}
            if kind == "reschedule":
                args["at"] = NOW + timedelta(days=draw.randrange(1, 12))
        elif dice < 0.4 and not only_claims:
            kind = draw.choice(_ABOUT_ALL)
            args = _about_all(draw, kind)
        else:
            kind, args = draw.choice(_CLAIMS), _question(draw)
        plan.append(Operation(name, kind, args))
    return plan


def _question(draw: random.Random) -> dict[str, Any]:
    at = NOW + timedelta(days=draw.choice((2, 3, 9)))
    return {**draw.choice(_WHOM), "at": at, "team": "sales", "channel": "email", "purpose": "survey"}


def _about_all(draw: random.Random, kind: str) -> dict[str, Any]:
    one, other = draw.sample(["jane", "joe", "ann"], 2)
    if kind == "merge":
        return {"into": one, "source": other}
    if kind == "suppress":
        return {"subject": ("contact", one), "source": "opt_out"}
    if kind == "consent":
        return {"contact": one, "purpose": "survey", "state": "withdrawn", "effective_from": NOW}
    if kind == "check":
        return _question(draw)
    return {"contact": one}


def follow(runner: RealRunner, plan: Sequence[Operation]) -> list[Call]:
    """Do it, and note when each call began and when it came back; what a refused claim did not make is left alone."""
    calls = []
    for operation in plan:
        touchpoint = operation.args.get("touchpoint")
        if touchpoint is not None and touchpoint not in runner.names:
            continue
        called_ns = time.monotonic_ns()
        answer = runner.run(operation)
        calls.append(Call(operation, answer, called_ns, time.monotonic_ns()))
    return calls


def named_alike(histories: Sequence[Sequence[Call]], ids: Sequence[dict[str, str]]) -> list[Call]:
    """Return all calls, ids that one caller got from another one's claim replaced by that claim's name."""
    names = {key: name for known in ids for name, key in known.items()}
    return [
        Call(call.operation, _renamed(call.answer, names), call.called_ns, call.returned_ns)
        for history in histories
        for call in history
    ]


def _renamed(answer: Answer, names: dict[str, str]) -> Answer:
    renamed = dict(answer)
    for field in ("new_conflicts", "reasons", "violations"):
        if field in renamed:
            renamed[field] = erasures_alike([names.get(key, key) for key in renamed[field]])
    return renamed


def linearisation(history: Sequence[Call], oracle: OracleRunner) -> list[Operation] | None:
    """Return one order that explains the history, None when there is none."""
    tried: set[tuple[frozenset[int], str]] = set()
    everything = frozenset(range(len(history)))

    def search(done: frozenset[int], state: OracleRunner, order: list[Operation]) -> list[Operation] | None:
        if done == everything:
            return order
        mark = (done, _fingerprint(state))
        if mark in tried:
            return None
        tried.add(mark)
        rest = everything - done
        first_return_ns = min(history[index].returned_ns for index in rest)
        for index in sorted(rest):
            call = history[index]
            if call.called_ns > first_return_ns:
                continue  # another call had returned before this one began
            after = state.copy()
            if _same(after.run(call.operation), call.answer):
                found = search(done | {index}, after, [*order, call.operation])
                if found is not None:
                    return found
        return None

    return search(frozenset(), oracle, [])


def _same(one: Answer, other: Answer) -> bool:
    return _anonymous(one) == _anonymous(other)


def _anonymous(answer: Answer) -> Answer:
    """People whom the history added have other names for every caller."""
    if answer.get("contact") is None or answer["contact"] in PEOPLE:
        return answer
    return {**answer, "contact": "somebody new"}


def _fingerprint(runner: OracleRunner) -> str:
    registry = runner.registry
    stops = sorted(repr(stop) for stop in registry.suppressions)
    keys = sorted(repr((person.id in PEOPLE and person.id, person.keys)) for person in registry.live_people())
    kept = sorted((name, state) for name, state in runner.state().items() if not name.endswith(".person"))
    return repr((kept, stops, registry.consents, keys))
