"""What participants agreed to: noting it, the recordings that will be removed, and withdrawing an interview."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from app.access.permissions import Permission
from app.api.dependencies import Administrator, Ingester, PrivacyOfficer, ServicesDep
from app.withdrawal import Reason, WithdrawalOut
from ingest.schemas import Consent, InterviewOut, RemovalOut

router = APIRouter(prefix="/api/v1", tags=["interviews"])


class WithdrawalIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason = "participant_request"


class Removals(BaseModel):
    items: list[RemovalOut]


@router.put("/interviews/{interview_id}/participants/{ordinal}/consent")
def note_consent(interview_id: str, ordinal: int, body: Consent, services: ServicesDep, user: Ingester) -> InterviewOut:
    """Note what a participant agreed to, in place of what was noted; the narrowest of all binds the interview.

    Whoever may change interviews may narrow it; allowing more than before takes the privacy permission.
    """
    may_loosen = user.may(Permission.PRIVACY)
    return services.ingest.consent.note(interview_id, ordinal, body, user.id, user.viewer, may_loosen=may_loosen)


@router.get("/retention")
def list_removals(services: ServicesDep, user: Administrator) -> Removals:
    """List the recordings that will be removed within 30 days, the earliest first; their text stays."""
    return Removals(items=services.ingest.retention.announced(user.viewer))


@router.post("/interviews/{interview_id}/withdrawal")
def withdraw_interview(
    interview_id: str, services: ServicesDep, user: PrivacyOfficer, body: WithdrawalIn | None = None
) -> WithdrawalOut:
    """Remove text, vectors, recording, names and tags for good; the receipt says what was removed.

    The id goes on answering, with `withdrawn_at`, and the same `external_id` or recording is not taken in again.
    Touchpoints of the participants stay. Backups made before still hold everything. Asked again: the same receipt.
    """
    return services.withdrawal.withdraw(interview_id, (body or WithdrawalIn()).reason, user.id, user.viewer)


@router.get("/withdrawals/{withdrawal_id}")
def get_withdrawal(withdrawal_id: str, services: ServicesDep, user: PrivacyOfficer) -> WithdrawalOut:
    """Return a receipt again."""
    return services.withdrawal.get(withdrawal_id, user.viewer)
