"""Random rules, people and operations that meet: few people, few days, short rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from contact_registry.validation import parse_policies
from contact_registry.values import RuleBook
from tests.contact_registry.fast_world import ACCOUNTS, Person
from tests.contact_registry.operations import Names, RealRunner
from tests.contact_registry.oracle_runner import OracleRunner
from tests.contact_registry.registry_world import NOW, RegistryWorld

Json = dict[str, Any]
ANYBODY: Json = {"applies_to": {}, "counts": {}}
RULES: dict[str, Json] = {
    "gap": {"id": "gap", "kind": "min_gap", "gap": "P3D", **ANYBODY},
    "cap": {"id": "cap", "kind": "frequency_cap", "max": 2, "window": "P7D", **ANYBODY},
    "firm": {"id": "firm", "kind": "frequency_cap", "level": "account", "max": 2, "window": "P4D", **ANYBODY},
    "study": {"id": "study", "kind": "frequency_cap", "max": 1, "window": "P9D", "count_by": "engagement", **ANYBODY},
    "sales": {
        "id": "sales",
        "kind": "min_gap",
        "gap": "P5D",
        "basis": "calendar",
        "applies_to": {"teams": ["sales"]},
        "counts": {"statuses": ["no_show", "completed"]},
    },
    "closed": {
        "id": "closed",
        "kind": "blackout",
        "ranges": [{"from_date": "2026-05-04", "to_date": "2026-05-05"}],
        **ANYBODY,
    },
    "agreed": {"id": "agreed", "kind": "consent_required", "overridable": False, "applies_to": {}},
}
PEOPLE: dict[str, Person] = {
    "jane": (("jane@corp.example", "jane.doe@gmail.com"), "acme", None),
    "joe": (("joe@corp.example",), "acme", "America/New_York"),
    "ann": (("ann+work@home.example",), None, None),
    "max": (("max@bolt.example",), "bolt", "Europe/Prague"),
}
EMAILS = (
    "JANE@corp.example",
    "jane+x@corp.example",
    "j.anedoe+list@googlemail.com",
    "ann@home.example",
    "ann+work@home.example",
    "new@corp.example",
    "new+1@corp.example",
    "nobody",
)

contacts = st.sampled_from(list(PEOPLE))
emails = st.sampled_from(EMAILS)
whom = st.one_of(
    st.builds(lambda contact: {"contact": contact}, contacts),
    st.builds(lambda contact: {"contact": contact}, contacts),
    st.builds(lambda email: {"email": email}, emails),
)


def moments(first_day: int, last_day: int) -> st.SearchStrategy[datetime]:
    """Whole days from NOW and a millisecond or some hours beside them."""
    return st.builds(
        lambda day, beside: NOW + timedelta(days=day) + timedelta(milliseconds=beside),
        st.integers(first_day, last_day),
        st.sampled_from([0, 0, 0, 0, -1, 1, 7_200_000]),
    )


def matters() -> st.SearchStrategy[Json]:
    """What a contact is about."""
    return st.fixed_dictionaries(
        {
            "team": st.sampled_from(["research", "sales"]),
            "channel": st.sampled_from(["email", "phone"]),
            "purpose": st.sampled_from(["survey", "survey", "interview"]),
        },
        optional={"engagement": st.sampled_from(["A", "B"])},
    )


def questions(first_day: int = 0, last_day: int = 12) -> st.SearchStrategy[Json]:
    return st.builds(lambda who, about, at: {**who, **about, "at": at}, whom, matters(), moments(first_day, last_day))


def facts() -> st.SearchStrategy[Json]:
    return st.builds(
        lambda asked, status, external: (
            {**asked, "status": status} | ({} if external is None else {"external_id": external})
        ),
        questions(-8, 1),
        st.sampled_from(["completed", "completed", "no_show"]),
        st.sampled_from([None, None, "x1", "x2"]),
    )


def file_rows() -> st.SearchStrategy[list[Json]]:
    row = st.builds(
        lambda about, email, at, status, external: (
            {**about, "email": email, "at": at, "status": status}
            | ({} if external is None else {"external_id": external})
        ),
        matters(),
        emails,
        moments(-8, 3),
        st.sampled_from(["completed", "completed", "no_show", "planned", "cancelled"]),
        st.sampled_from([None, "x1", "x2", "x3"]),
    )
    return st.lists(row, min_size=1, max_size=4)


def stops() -> st.SearchStrategy[Json]:
    subjects = st.one_of(
        st.tuples(st.just("contact"), contacts),
        st.tuples(st.just("email"), st.sampled_from([email for email in EMAILS if "@" in email])),
        st.tuples(st.just("account"), st.sampled_from(ACCOUNTS)),
        st.tuples(st.just("domain"), st.sampled_from(["corp.example", "home.example"])),
    )
    return st.fixed_dictionaries(
        {
            "subject": subjects,
            "source": st.sampled_from(["opt_out", "manual", "hard_bounce", "legal", "complaint"]),
        },
        optional={
            "channels": st.just(["email"]),
            "purposes": st.just(["survey"]),
            "until": moments(1, 9),
        },
    )


def agreements() -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(
        {
            "contact": contacts,
            "purpose": st.sampled_from(["survey", "interview"]),
            "state": st.sampled_from(["granted", "granted", "withdrawn"]),
            "effective_from": moments(-9, 4),
        },
        optional={"channel": st.just("email"), "effective_until": moments(5, 12)},
    )


def rule_sets() -> st.SearchStrategy[list[Json]]:
    return st.lists(st.sampled_from(list(RULES)), min_size=0, max_size=4, unique=True).map(
        lambda names: [RULES[name] for name in names]
    )


def both_runners(
    world: RegistryWorld, rules: Sequence[Json], *, keyed: bool = False
) -> tuple[RealRunner, OracleRunner]:
    """Return the real registry and the oracle with the same rules and PEOPLE, who are added where they are not yet."""
    version = world.put_rules(*rules)
    book = RuleBook(parse_policies(rules, version=version), version=version)
    real = RealRunner(world, Names(), keyed=keyed)
    oracle = OracleRunner.of(world.clock.now(), book, ACCOUNTS)
    for name, (addresses, account, tz) in PEOPLE.items():
        real.names.put(name, world.people.get(name) or world.add_contact(*addresses, account=account, tz=tz))
        oracle.names.put(name, name)
        oracle.registry.add_person(name, *addresses, account=account, tz=tz)
    return real, oracle
