"""Suppressions, found by tokens (opaque for addresses), and the append-only log of consent."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from contact_registry.repository.lists import in_list
from contact_registry.repository.people import LONG_CHUNK, chunks
from contact_registry.tables import Consent, Suppression, SuppressionToken
from contact_registry.values import AddressKeys, ConsentFact, ConsentState, SuppressionFact, SuppressionSource
from core.ids import new_id


def contact_token(contact_id: str) -> str:
    """Return how a stop of a person is found; likewise below for companies and domains."""
    return f"contact:{contact_id}"


def account_token(account_id: str) -> str:
    return f"account:{account_id}"


def domain_token(domain: str) -> str:
    return f"domain:{domain}"


# Built once: it runs in every check.
_BY_TOKEN = (
    select(
        col(SuppressionToken.token),
        col(SuppressionToken.is_loose),
        col(Suppression.id),
        col(Suppression.source),
        col(Suppression.subject_kind),
        col(Suppression.subject_id),
        col(Suppression.channels),
        col(Suppression.purposes),
        col(Suppression.starts_at),
        col(Suppression.ends_at),
    )
    .join(Suppression, col(Suppression.id) == col(SuppressionToken.suppression_id))
    .where(
        in_list(col(SuppressionToken.token), "tokens"),
        col(Suppression.lifted_at).is_(None),
    )
)


def find_suppressions(session: Session, tokens: Iterable[str]) -> dict[str, list[SuppressionFact]]:
    """Return token → suppressions that were not lifted; whether they are in force is for the rules to say."""
    tokens_of: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    rows: dict[str, Any] = {}
    for some in chunks(tokens, LONG_CHUNK):
        for row in session.connection().execute(_BY_TOKEN, {"tokens": some}):
            tokens_of[row[2]].append((row[0], row[1]))
            rows[row[2]] = row
    found: dict[str, list[SuppressionFact]] = defaultdict(list)
    for key in sorted(rows):
        fact = _fact(rows[key], tokens_of[key])
        for token, _ in tokens_of[key]:
            found[token].append(fact)
    return found


def _fact(row: Any, tokens: list[tuple[str, bool]]) -> SuppressionFact:
    _, _, key, source, kind, subject, channels, purposes, starts_at, ends_at = row
    address = None
    if kind == "address":
        # only the tokens that were asked for are here, which is all that comparing needs
        exact = frozenset(token for token, is_loose in tokens if not is_loose)
        address = AddressKeys(exact=exact, loose=frozenset(token for token, _ in tokens))
    return SuppressionFact(
        id=key,
        source=SuppressionSource(source),
        contact=subject if kind == "contact" else None,
        account=subject if kind == "account" else None,
        domain=subject if kind == "domain" else None,
        address=address,
        channels=None if channels is None else frozenset(channels),
        purposes=None if purposes is None else frozenset(purposes),
        starts_at=starts_at,
        ends_at=ends_at,
    )


def suppression_rows(
    session: Session, *, include_lifted: bool, after: tuple[datetime, str] | None, limit: int
) -> list[Suppression]:
    """Return suppressions, newest first."""
    query = select_rows(Suppression)
    if not include_lifted:
        query = query.where(col(Suppression.lifted_at).is_(None))
    if after is not None:
        query = query.where(
            (col(Suppression.created_at) < after[0])
            | ((col(Suppression.created_at) == after[0]) & (col(Suppression.id) < after[1]))
        )
    query = query.order_by(col(Suppression.created_at).desc(), col(Suppression.id).desc())
    return list(session.exec(query.limit(limit)))


def suppressions_of_contact(session: Session, contact_id: str) -> list[Suppression]:
    """Return stops whose subject is this person, lifted ones included."""
    query = select_rows(Suppression).where(
        col(Suppression.subject_kind) == "contact", col(Suppression.subject_id) == contact_id
    )
    return list(session.exec(query.order_by(col(Suppression.id))))


def suppression_ids_of_token(session: Session, token: str) -> list[str]:
    """Return ids of stops with this token, lifted ones included."""
    query = select(col(SuppressionToken.suppression_id)).where(col(SuppressionToken.token) == token)
    return list(session.connection().execute(query).scalars())


def find_consents(session: Session, contact_ids: Iterable[str]) -> dict[str, list[ConsentFact]]:
    """Return contact id → all their consent records, oldest first."""
    found: dict[str, list[ConsentFact]] = defaultdict(list)
    for some in chunks(contact_ids):
        query = (
            select(
                col(Consent.contact_id),
                col(Consent.purpose),
                col(Consent.channel),
                col(Consent.state),
                col(Consent.effective_from),
                col(Consent.effective_until),
            )
            .where(col(Consent.contact_id).in_(some))
            .order_by(col(Consent.effective_from), col(Consent.id))
        )
        for contact, purpose, channel, state, start, end in session.connection().execute(query):
            fact = ConsentFact(contact, purpose, channel, ConsentState(state), start, end)
            found[contact].append(fact)
    return found


def withdrawn_again(row: Consent, from_at: datetime, at: datetime) -> Consent:
    """Return a new line that says what `row` says, from `from_at` on; written at `at` by a merge."""
    return Consent(
        id=new_id("cst"),
        contact_id=row.contact_id,
        original_contact=row.original_contact,
        purpose=row.purpose,
        channel=row.channel,
        state=row.state,
        effective_from=from_at,
        source="merge",
        captured_by="system",
        created_at=at,
    )


def consent_rows(session: Session, contact_id: str) -> list[Consent]:
    """Return the person's consent records, newest first."""
    query = select_rows(Consent).where(col(Consent.contact_id) == contact_id)
    return list(session.exec(query.order_by(col(Consent.effective_from).desc(), col(Consent.id).desc())))
