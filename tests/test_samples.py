"""The sample workspace is whole: natural lengths, times in order, nobody named who is not there, no real address."""

import itertools
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from contact_registry.eligibility import evaluate
from contact_registry.validation import parse_policies
from contact_registry.values import (
    Badge,
    ContactView,
    Decision,
    History,
    Question,
    RuleBook,
    SuppressionFact,
    SuppressionSource,
    Timeline,
    TouchpointFact,
    TouchpointStatus,
)

SAMPLES = Path(__file__).parent.parent / "samples"
INTERVIEWS = sorted((SAMPLES / "interviews").glob("*.json"))
FICTIONAL = re.compile(r".+@(?:[\w-]+\.)*(?:[\w-]+\.example|[\w-]+\.test|example\.com)")


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


REGISTRY = read(SAMPLES / "registry.json")


@pytest.mark.parametrize("path", INTERVIEWS, ids=lambda path: path.stem)
def test_an_interview_reads_like_one(path: Path) -> None:
    interview = read(path)
    segments = interview["segments"]
    minutes = segments[-1]["end_ms"] / 60_000
    words = sum(len(segment["text"].split()) for segment in segments)
    assert 5 <= minutes <= 15
    assert 110 <= words / minutes <= 180, "words per minute of ordinary speech"
    for segment, following in itertools.pairwise(segments):
        assert 0 <= segment["start_ms"] < segment["end_ms"] <= following["start_ms"]
    assert {segment["speaker"] for segment in segments} == {one["speaker"] for one in interview["participants"]}
    assert len({segment["text"] for segment in segments}) == len(segments)


def test_there_are_several_interviews_in_several_projects_over_two_years() -> None:
    interviews = [read(path) for path in INTERVIEWS]
    assert len(interviews) >= 6
    assert {one["project"] for one in interviews} == {project["id"] for project in REGISTRY["projects"]}
    assert {one["recorded_at"][:4] for one in interviews} == {"2024", "2025", "2026"}
    assert {one["language"] for one in interviews} == {"en", "de"}
    assert [one["external_id"] for one in interviews] == [path.stem for path in INTERVIEWS]


def test_customers_in_interviews_are_contacts() -> None:
    known = {email for contact in REGISTRY["contacts"] for email in contact["emails"]}
    customers = {
        one["email"] for path in INTERVIEWS for one in read(path)["participants"] if one["role"] != "interviewer"
    }
    assert customers <= known


def test_every_address_is_fictional() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in [*INTERVIEWS, SAMPLES / "registry.json"])
    addresses = set(re.findall(r"[\w.+-]+@[\w.-]+\w", text))
    assert addresses
    assert {address for address in addresses if not FICTIONAL.fullmatch(address)} == set()


def test_rows_of_the_registry_name_rows_that_exist() -> None:
    ids = {name: {row["id"] for row in REGISTRY[name]} for name in ("accounts", "contacts", "purposes", "teams")}
    assert {contact["account"] for contact in REGISTRY["contacts"]} - {None} <= ids["accounts"]
    for column in ("contact", "purpose", "team"):
        assert {touchpoint[column] for touchpoint in REGISTRY["touchpoints"]} <= ids[f"{column}s"]
    assert {stop["subject"]["contact"] for stop in REGISTRY["suppressions"]} <= ids["contacts"]


def test_nobody_has_two_contacts_with_one_address() -> None:
    addresses = [email for contact in REGISTRY["contacts"] for email in contact["emails"]]
    assert len(addresses) == len(set(addresses))


def test_the_history_spans_two_years_and_touches_every_state() -> None:
    touchpoints = REGISTRY["touchpoints"]
    assert len({touchpoint["external_id"] for touchpoint in touchpoints}) == len(touchpoints) >= 60
    assert max(touchpoint["days_ago"] for touchpoint in touchpoints) > 700
    assert {touchpoint["status"] for touchpoint in touchpoints} == {
        "completed",
        "no_show",
        "planned",
        "reserved",
        "cancelled",
    }
    ahead = {touchpoint["status"] for touchpoint in touchpoints if touchpoint["days_ago"] < 0}
    assert ahead == {"planned", "reserved", "cancelled"}


LOADED_AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def facts() -> Iterator[TouchpointFact]:
    account_of = {contact["id"]: contact["account"] for contact in REGISTRY["contacts"]}
    for row in REGISTRY["touchpoints"]:
        day = (LOADED_AT - timedelta(days=row["days_ago"])).date()
        yield TouchpointFact(
            id=row["external_id"],
            contact=row["contact"],
            account=account_of[row["contact"]],
            team=row["team"],
            channel=row["channel"],
            purpose=row["purpose"],
            status=TouchpointStatus(row["status"]),
            at=datetime.combine(day, time.fromisoformat(row["time"]), tzinfo=UTC),
            engagement=row.get("engagement"),
            expires_at=LOADED_AT + timedelta(hours=row["hold_hours"]) if "hold_hours" in row else None,
        )


def decide(contact: str) -> Decision:
    """Ask, a minute after loading, whether research may invite this contact to an interview."""
    now = LOADED_AT + timedelta(minutes=1)
    account = next(row["account"] for row in REGISTRY["contacts"] if row["id"] == contact)
    rules = RuleBook(
        policies=parse_policies(REGISTRY["policies"]),
        service_purposes=frozenset(row["id"] for row in REGISTRY["purposes"] if row["class"] == "service"),
    )
    history = History(
        contact=Timeline(fact for fact in facts() if fact.contact == contact),
        account=Timeline(fact for fact in facts() if account and fact.account == account),
        suppressions=tuple(
            SuppressionFact(id="stop", source=SuppressionSource(row["source"]), contact=row["subject"]["contact"])
            for row in REGISTRY["suppressions"]
        ),
    )
    question = Question(ContactView(contact, account=account), now, "research", "video_call", "interview")
    return evaluate(rules, history, question, now)


@pytest.mark.parametrize(
    ("contact", "badge", "days"),
    [
        ("gareth-doyle", Badge.ELIGIBLE, 0),
        ("helen-marsh", Badge.ELIGIBLE, 0),
        ("aoife-brennan", Badge.ELIGIBLE, 0),
        ("marta-lindqvist", Badge.COOLING_DOWN, 18),
        ("tomasz-wieczorek", Badge.COOLING_DOWN, 38),
        ("priya-raman", Badge.LIMIT_REACHED, 9),
        ("daniel-okafor", Badge.RESERVED, 35),
        ("timo-beck", Badge.LIMIT_REACHED, 3),
        ("dirk-hansen", Badge.DO_NOT_CONTACT, None),
    ],
)
def test_on_the_day_it_is_loaded_each_answer_can_be_seen(contact: str, badge: Badge, days: int | None) -> None:
    decision = decide(contact)
    assert decision.badge is badge
    if days is None:
        assert decision.next_eligible_at is None
    else:
        assert decision.next_eligible_at is not None
        assert (decision.next_eligible_at - LOADED_AT).days == days
