"""Idempotency-Key for requests that create interviews: the same key gives the same answer and does nothing twice.

(The contact registry keeps its own record, in the transaction of the claim.)
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Protocol, TypeVar

from fastapi import Header
from sqlmodel import Field, SQLModel

from app.services import Services
from core.database import utc_column
from core.errors import Conflict, InvalidInput

IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]


class _Named(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Named)

KEPT_FOR = timedelta(days=7)
ABANDONED_AFTER = timedelta(minutes=10)  # a request that began and never ended: its process died


class SentRequest(SQLModel, table=True):
    __tablename__ = "sent_request"

    credential: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    fingerprint: str
    status: int | None = None  # None while the request runs
    subject_id: str | None = None
    created_at: datetime = Field(sa_column=utc_column(index=True))


def fingerprint_of(*parts: str) -> str:
    """Return the SHA-256 of the parts, each ended by a zero byte."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "replace") + b"\0")
    return digest.hexdigest()


def once(
    services: Services,
    credential: str,
    key: str | None,
    fingerprint: str,
    *,
    status: int,
    create: Callable[[], T],
    read: Callable[[str], T],
) -> tuple[T, bool]:
    """Return what `create` makes; with a key that was used before, what `read` finds under its id, and True.

    A request that is refused frees its key: mended, it may be sent again with the same one. Raises as `_begin`.
    """
    if key is None:
        return create(), False
    earlier = _begin(services, credential, key, fingerprint)
    if earlier is not None:
        return read(earlier), True
    try:
        made = create()
    except BaseException:
        _forget(services, credential, key)
        raise
    _finish(services, credential, key, status, made.id)
    return made, False


def _begin(services: Services, credential: str, key: str, fingerprint: str) -> str | None:
    """Return the subject's id of the earlier request with this key, or None when this one is to be done.

    Raises InvalidInput `idempotency_key_reused` for another body, Conflict `request_in_progress`.
    """
    now = services.clock.now()
    with services.database.write() as session:
        known = session.get(SentRequest, (credential, key))
        if known is not None and _is_done_or_running(known, fingerprint, now):
            return known.subject_id or ""
        if known is not None:
            session.delete(known)
            session.flush()
        session.add(SentRequest(credential=credential, key=key, fingerprint=fingerprint, created_at=now))
    return None


def _is_done_or_running(known: SentRequest, fingerprint: str, now: datetime) -> bool:
    age = now - known.created_at
    if age > KEPT_FOR:
        return False
    if known.fingerprint != fingerprint:
        raise InvalidInput(
            "idempotency_key_reused", "This Idempotency-Key was used for another request: make a new one."
        )
    if known.status is None and age <= ABANDONED_AFTER:
        raise Conflict("request_in_progress", "A request with this Idempotency-Key is still running: ask again soon.")
    return known.status is not None


def _finish(services: Services, credential: str, key: str, status: int, subject_id: str) -> None:
    with services.database.write() as session:
        known = session.get(SentRequest, (credential, key))
        if known is not None:
            known.status, known.subject_id = status, subject_id


def _forget(services: Services, credential: str, key: str) -> None:
    with services.database.write() as session:
        known = session.get(SentRequest, (credential, key))
        if known is not None:
            session.delete(known)
