"""Withdrawing an interview: what was said in it is removed everywhere, and a receipt says what that was.

`ingest` and `search` each remove their own in one transaction; afterwards what the disk may still hold of it is
overwritten: the words' index, the index file, the database's log. Backups made before still hold it.
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field
from sqlalchemy import delete
from sqlmodel import Session, col, select

from app.participant_links import ConfirmedLink
from core.audit import record_event
from core.blobs import BlobStore
from core.clock import Clock
from core.database import Database
from core.errors import NotFound
from core.ids import new_id
from core.visibility import EVERYBODY, Viewer
from ingest.guards import require_interview
from ingest.tables import Withdrawal
from ingest.uploads import UploadService
from ingest.withdrawal import empty
from search.removal import remove_interview, sweep_words
from search.service import SearchService

Reason = Literal["participant_request", "no_consent", "contact_erased", "sent_by_mistake", "other"]


class WithdrawalOut(BaseModel):
    """The receipt: counts and a hash, nothing of what was said or who it was."""

    id: str
    interview_id: str
    at: datetime
    by: str = Field(description="Id of the user or key.")
    reason: str
    recording_sha256: str | None = Field(description="Of the recording that belonged to it.")
    is_recording_removed: bool = Field(
        description="False: there was none, or another interview was sent with the same recording and keeps it."
    )
    counts: dict[str, int] = Field(description="Removed rows of each kind.")


class WithdrawalService:
    def __init__(
        self, database: Database, clock: Clock, blobs: BlobStore, search: SearchService, uploads: UploadService
    ) -> None:
        self._database = database
        self._clock = clock
        self._blobs = blobs
        self._search = search
        self._uploads = uploads

    def withdraw(self, interview_id: str, reason: Reason, actor: str, viewer: Viewer = EVERYBODY) -> WithdrawalOut:
        """Remove everything of the interview but its id. Done again it sweeps again and returns the same receipt.

        Raises: NotFound `unknown_interview`.
        """
        with self._database.write() as session:
            interview = require_interview(session, interview_id, viewer, for_update=True)
            receipt = _find(session, interview_id)
            if receipt is None:
                now = self._clock.now()
                emptied = empty(session, self._blobs, interview, now)
                session.execute(delete(ConfirmedLink).where(col(ConfirmedLink.interview_id) == interview_id))
                vectors = remove_interview(session, interview_id)
                uploads = self._uploads.forget_interview(interview_id)
                receipt = Withdrawal(
                    id=new_id("wdr"),
                    interview_id=interview_id,
                    at=now,
                    actor=actor,
                    reason=reason,
                    recording_sha256=emptied.recording_sha256,
                    is_recording_removed=emptied.is_recording_removed,
                    counts={**emptied.counts, "vectors": vectors, "uploads": uploads},
                )
                session.add(receipt)
                record_event(
                    session,
                    at=now,
                    actor=actor,
                    action="interview.withdrawn",
                    subject_type="interview",
                    subject_id=interview_id,
                    detail={"receipt": receipt.id, "reason": reason},
                )
        overwrite_remains(self._database, self._search)
        return _shown(receipt)

    def get(self, receipt_id: str, viewer: Viewer = EVERYBODY) -> WithdrawalOut:
        """Return a receipt; raises NotFound `unknown_withdrawal`."""
        with self._database.read() as session:
            receipt = session.get(Withdrawal, receipt_id)
            if receipt is None:
                raise NotFound("unknown_withdrawal", f"There is no receipt {receipt_id[:64]!r}.")
            require_interview(session, receipt.interview_id, viewer)
        return _shown(receipt)

    def of_interview(self, interview_id: str) -> WithdrawalOut | None:
        """Return the receipt of an interview that was withdrawn."""
        with self._database.read() as session:
            receipt = _find(session, interview_id)
        return None if receipt is None else _shown(receipt)


def overwrite_remains(database: Database, search: SearchService) -> None:
    """Have the disk forget what was removed: the words' index, the index file, the database's log."""
    with database.write() as session:
        sweep_words(session)
    search.catch_up()
    search.close()  # writes the index file without it
    database.empty_log()


def _find(session: Session, interview_id: str) -> Withdrawal | None:
    return session.exec(select(Withdrawal).where(Withdrawal.interview_id == interview_id)).one_or_none()


def _shown(receipt: Withdrawal) -> WithdrawalOut:
    return WithdrawalOut(**receipt.model_dump(exclude={"actor"}), by=receipt.actor)
