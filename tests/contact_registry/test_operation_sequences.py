"""Random sequences of operations on the registry and on the oracle beside it: same answers, same state, every step."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from core.clock import SettableClock
from tests.contact_registry.fast_world import fast_worlds
from tests.contact_registry.operation_worlds import (
    PEOPLE,
    Json,
    agreements,
    both_runners,
    contacts,
    facts,
    file_rows,
    moments,
    questions,
    rule_sets,
    stops,
)
from tests.contact_registry.operations import Answer, Operation
from tests.contact_registry.registry_world import RegistryWorld

OUTCOMES = ("completed", "no_show", "cancelled", "voided")


@cache
def make_world() -> Callable[[], RegistryWorld]:
    return fast_worlds(Path(tempfile.mkdtemp(prefix="earshot-operations-")), PEOPLE)


class TwoRegistries(RuleBasedStateMachine):
    """Each rule tells both the same and compares what they answer; the invariant compares what they keep."""

    touchpoints: Bundle[str] = Bundle("touchpoints")
    suppressions: Bundle[str] = Bundle("suppressions")
    files: Bundle[str] = Bundle("files")

    @initialize(rules=rule_sets())
    def start(self, rules: list[Json]) -> None:
        self.world = make_world()()
        self.real, self.oracle = both_runners(self.world, rules)
        self.told: list[Operation] = []

    def tell(self, kind: str, /, **args: Any) -> Answer:
        operation = Operation(f"o{len(self.told)}", kind, args)
        self.told.append(operation)
        expected, answer = self.oracle.run(operation), self.real.run(operation)
        assert answer == expected, f"{operation}: {answer} instead of {expected}, after {self.told}"
        return answer

    def made(self, _: Answer) -> Any:
        """The operation's name when it made something new."""
        return self.told[-1].name if self.told[-1].name in self.real.names else multiple()

    @rule(asked=questions())
    def check(self, asked: Json) -> None:
        self.tell("check", **asked)

    @rule(items=st.lists(questions(-1), min_size=1, max_size=5), mode=st.sampled_from(["sequential", "independent"]))
    def check_many(self, items: list[Json], mode: str) -> None:
        self.tell("batch_check", items=items, mode=mode)

    @rule(target=touchpoints, asked=questions(), ttl=st.sampled_from(["PT15M", "PT24H", "PT72H"]))
    def reserve(self, asked: Json, ttl: str) -> Any:
        return self.made(self.tell("reserve", **asked, ttl=ttl))

    @rule(
        target=touchpoints,
        asked=questions(),
        override=st.none() | st.lists(st.sampled_from(["gap", "cap", "firm", "closed", "agreed"]), min_size=1),
    )
    def book(self, asked: Json, override: list[str] | None) -> Any:
        return self.made(self.tell("book", **asked, override=override))

    @rule(target=touchpoints, fact=facts())
    def record(self, fact: Json) -> Any:
        return self.made(self.tell("record", **fact))

    @rule(touchpoint=touchpoints)
    def confirm(self, touchpoint: str) -> None:
        self.tell("confirm", touchpoint=touchpoint)

    @rule(touchpoint=touchpoints)
    def release(self, touchpoint: str) -> None:
        self.tell("release", touchpoint=touchpoint)

    @rule(touchpoint=touchpoints, outcome=st.sampled_from(OUTCOMES))
    def end(self, touchpoint: str, outcome: str) -> None:
        self.tell(outcome, touchpoint=touchpoint)

    @rule(touchpoint=touchpoints, at=moments(-1, 12))
    def reschedule(self, touchpoint: str, at: datetime) -> None:
        self.tell("reschedule", touchpoint=touchpoint, at=at)

    @rule(into=contacts, source=contacts)
    def merge(self, into: str, source: str) -> None:
        self.tell("merge", into=into, source=source)

    @rule(contact=contacts)
    def unmerge(self, contact: str) -> None:
        self.tell("unmerge", contact=contact)

    @rule(target=suppressions, stop=stops())
    def suppress(self, stop: Json) -> Any:
        return self.made(self.tell("suppress", **stop))

    @rule(stop=suppressions)
    def lift(self, stop: str) -> None:
        self.tell("lift", stop=stop)

    @rule(consent=agreements())
    def consent(self, consent: Json) -> None:
        self.tell("consent", **consent)

    @rule(contact=contacts)
    def erase(self, contact: str) -> None:
        self.tell("erase", contact=contact)

    @rule(target=files, rows=file_rows())
    def take_in(self, rows: list[Json]) -> Any:
        return self.made(self.tell("import", rows=rows))

    @rule(file=files)
    def undo(self, file: str) -> None:
        self.tell("undo", **{"import": file})

    @rule(hours=st.sampled_from([0.25, 24, 72]))
    def let_time_pass(self, hours: float) -> None:
        clock = self.world.clock
        assert isinstance(clock, SettableClock)
        clock.set(clock.now() + timedelta(hours=hours))
        self.oracle.registry.now = clock.now()

    @invariant()
    def both_keep_the_same(self) -> None:
        if hasattr(self, "told"):
            kept, expected = self.real.state(), self.oracle.state()
            differing = {name: (kept.get(name), expected.get(name)) for name in kept.keys() | expected.keys()}
            differing = {name: (one, other) for name, (one, other) in differing.items() if one != other}
            assert not differing, f"(kept, expected): {differing}, after {self.told}"


# an example is a whole sequence: a quarter of as many say as much as the examples of other properties
TwoRegistries.TestCase.settings = settings(
    stateful_step_count=12, max_examples=max(15, settings().max_examples // 4), report_multiple_bugs=False
)
test_the_registry_answers_and_keeps_what_the_oracle_does = TwoRegistries.TestCase
