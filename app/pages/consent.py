"""Consent of participants, the recordings about to be removed, and withdrawing an interview with its receipt."""

from datetime import date
from typing import Annotated, get_args

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.access.permissions import Permission
from app.api.dependencies import ServicesDep
from app.pages.dependencies import (
    PageAdministrator,
    PageIngester,
    PagePrivacyOfficer,
    check_csrf,
    render,
)
from app.pages.names_of_actors import name_of_actor
from app.withdrawal import Reason
from core.errors import InvalidInput
from ingest.schemas import Consent

router = APIRouter()

ANSWERS = [("", "Not noted"), ("yes", "Yes"), ("no", "No")]
REASONS: dict[str, str] = {
    "participant_request": "A participant asked for it",
    "no_consent": "There was no consent to record it",
    "sent_by_mistake": "It was sent by mistake",
    "contact_erased": "The person was erased",
    "other": "Another reason",
}
COUNT_WORDS = {
    "segments": "Segments of text",
    "passages": "Passages that could be found",
    "vectors": "Vectors",
    "heard_windows": "Stretches written down so far",
    "participants": "Participants' names",
    "tags": "Tags",
    "uploads": "Notes of uploads",
}
_SAID = {"": None, "yes": True, "no": False}

Answer = Annotated[str, Form(max_length=10)]


def consent_of(quote: str, share: str, keep_until: str) -> Consent:
    """Return what the form says. Raises InvalidInput `invalid_consent`."""
    try:
        day = date.fromisoformat(keep_until) if keep_until.strip() else None
        return Consent(quote_internally=_SAID[quote], share_outside=_SAID[share], keep_until=day)
    except (KeyError, ValueError) as error:
        raise InvalidInput("invalid_consent", "The answer is yes, no or empty, and the day a date.") from error


@router.post("/interviews/{interview_id}/participants/{ordinal}/consent", dependencies=[Depends(check_csrf)])
def note_consent(
    services: ServicesDep,
    user: PageIngester,
    interview_id: str,
    ordinal: int,
    quote: Answer = "",
    share: Answer = "",
    keep_until: Answer = "",
) -> Response:
    """Note what a participant agreed to."""
    services.ingest.consent.note(
        interview_id,
        ordinal,
        consent_of(quote, share, keep_until),
        user.id,
        user.viewer,
        may_loosen=user.may(Permission.PRIVACY),
    )
    return RedirectResponse(f"/interviews/{interview_id}#consent", status_code=303)


@router.get("/interviews/{interview_id}/withdraw", response_class=HTMLResponse)
def confirm_withdraw(
    request: Request, services: ServicesDep, user: PagePrivacyOfficer, interview_id: str
) -> HTMLResponse:
    """Ask for the reason before everything goes."""
    interview = services.ingest.get(interview_id, user.viewer)
    return render(request, "withdraw.html", interview=interview, reasons=list(REASONS.items()))


@router.post("/interviews/{interview_id}/withdraw", dependencies=[Depends(check_csrf)])
def withdraw(
    services: ServicesDep,
    user: PagePrivacyOfficer,
    interview_id: str,
    reason: Annotated[str, Form(max_length=40)] = "participant_request",
) -> Response:
    """Remove the interview and show the receipt."""
    known = next((one for one in get_args(Reason) if one == reason), None)
    if known is None:
        raise InvalidInput("unknown_reason", "Choose one of the reasons of the form.", field="reason")
    receipt = services.withdrawal.withdraw(interview_id, known, user.id, user.viewer)
    return RedirectResponse(f"/withdrawals/{receipt.id}", status_code=303)


@router.get("/withdrawals/{withdrawal_id}", response_class=HTMLResponse)
def receipt_page(request: Request, services: ServicesDep, user: PagePrivacyOfficer, withdrawal_id: str) -> HTMLResponse:
    """Show a receipt, to be printed."""
    receipt = services.withdrawal.get(withdrawal_id, user.viewer)
    return render(
        request,
        "receipt.html",
        receipt=receipt,
        reason=REASONS[receipt.reason],
        by=name_of_actor(services, receipt.by),
        counts=[(word, receipt.counts[name]) for name, word in COUNT_WORDS.items() if name in receipt.counts],
    )


@router.get("/retention", response_class=HTMLResponse)
def retention_page(request: Request, services: ServicesDep, user: PageAdministrator) -> HTMLResponse:
    """List the recordings that will be removed within 30 days."""
    return render(request, "retention.html", removals=services.ingest.retention.announced(user.viewer))
