"""What the registry in memory keeps and reads: people, and the facts of a worked case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from contact_registry.addresses import address_keys, domain_key, email_key
from contact_registry.values import (
    ConsentFact,
    ConsentState,
    Decision,
    SuppressionFact,
    SuppressionSource,
)


@dataclass(slots=True)
class Person:
    id: str
    keys: list[str]
    account: str | None = None
    tz: str | None = None
    segments: frozenset[str] = frozenset()
    merged_into: str | None = None
    erased: bool = False


class Refused(Exception):  # noqa: N818 - as core.errors
    """A claim that the rules refuse, with the reasons that still stand."""

    def __init__(self, decision: Decision) -> None:
        super().__init__("not eligible")
        self.decision = decision


def instant(value: str) -> datetime:
    return datetime.fromisoformat(value).astimezone(UTC)


def text(at: datetime | None) -> str | None:
    if at is None:
        return None
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds" if at.microsecond else "seconds") + "Z"


def read_stop(given: Mapping[str, Any]) -> SuppressionFact:
    subject = given["subject"]
    return SuppressionFact(
        id=given["id"],
        source=SuppressionSource(given["source"]),
        contact=subject.get("contact"),
        account=subject.get("account"),
        domain=domain_key(subject["domain"]) if "domain" in subject else None,
        address=address_keys(email_key(subject["email"])) if "email" in subject else None,
        channels=frozenset(given["channels"]) if given.get("channels") else None,
        purposes=frozenset(given["purposes"]) if given.get("purposes") else None,
        starts_at=instant(given["from"]) if given.get("from") else None,
        ends_at=instant(given["until"]) if given.get("until") else None,
    )


def read_consent(given: Mapping[str, Any]) -> ConsentFact:
    return ConsentFact(
        contact=given["contact"],
        purpose=given["purpose"],
        channel=given.get("channel"),
        state=ConsentState(given["state"]),
        effective_from=instant(given["effective_from"]),
        effective_until=instant(given["effective_until"]) if given.get("effective_until") else None,
    )
