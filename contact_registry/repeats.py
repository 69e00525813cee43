"""Idempotency keys: the answer to a request is stored with its effect and given again when it is repeated.

Called by services inside their transaction. Stored are 2xx and a refused claim (a lost race stays lost for its
key); never an answer with personal data, of which only the id, the status and a digest are kept.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlmodel import Session

from contact_registry.peppers import PepperFile
from contact_registry.repository import requests
from contact_registry.repository.locks import Locks
from contact_registry.tables_of_record import RepeatedRequest
from core.errors import Conflict, InvalidInput

KEPT_FOR = timedelta(days=7)


@dataclass(slots=True)
class RequestKey:
    """One request as its sender named it. `replayed` is set when the answer came from storage."""

    credential: str
    key: str
    method: str
    path: str
    body: Any
    replayed: bool = field(default=False)

    @property
    def text(self) -> str:
        """The request in one canonical spelling: key order and white space do not matter."""
        body = json.dumps(self.body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
        return f"{self.method}\n{self.path}\n{body}"


class Repeats:
    def __init__(self, locks: Locks, peppers: PepperFile) -> None:
        self._locks = locks
        self._peppers = peppers

    def find(self, session: Session, request: RequestKey | None) -> RepeatedRequest | None:
        """Return the stored answer, or None when this is the first time.

        Raises Conflict `idempotency_key_in_progress` while the first request runs, and InvalidInput
        `idempotency_key_reused` when the key came with another request.
        """
        if request is None:
            return None
        if not self._locks.name(session, f"request:{request.credential}:{request.key}"):
            raise Conflict(
                "idempotency_key_in_progress",
                "A request with this Idempotency-Key is still running: ask again in a second.",
                retry_after=1,
            )
        stored = requests.find_request(session, request.credential, request.key)
        if stored is None:
            return None
        if stored.fingerprint != self._peppers.fingerprint(request.text):
            raise InvalidInput(
                "idempotency_key_reused",
                "This Idempotency-Key was already used for another request: send a new key with a new request.",
            )
        request.replayed = True
        return stored

    def keep(
        self,
        session: Session,
        request: RequestKey | None,
        *,
        status: int,
        body: dict[str, Any],
        at: datetime,
        subject_id: str | None = None,
        contact_id: str | None = None,
        is_personal: bool = False,
    ) -> None:
        """Store the answer in the transaction of its effect; `body` is left out when it `is_personal`."""
        if request is None:
            return
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        session.add(
            RepeatedRequest(
                credential=request.credential,
                key=request.key,
                fingerprint=self._peppers.fingerprint(request.text),
                status=status,
                body=None if is_personal else body,
                body_sha256=sha256(text.encode()).hexdigest(),
                subject_id=subject_id,
                contact_id=contact_id,
                created_at=at,
            )
        )
        session.flush()
        requests.forget_requests_before(session, at - KEPT_FOR)
