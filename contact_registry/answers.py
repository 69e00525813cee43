"""From decisions and rows to what callers are told; the one place that words an answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from contact_registry import schemas
from contact_registry.tables import Touchpoint
from contact_registry.timeline import TouchpointStatus
from contact_registry.values import Reason
from core.errors import Conflict


class NotEligible(Conflict):
    """The present state refuses this claim; the body says all that a check would."""

    title = "Not eligible"


def not_eligible(check: schemas.CheckOut) -> NotEligible:
    """Return the refusal: the fields of the check, its one-word status as `eligibility`."""
    return refusal_from(refusal_body(check))


def refusal_body(check: schemas.CheckOut) -> dict[str, Any]:
    """Return what is kept of a refusal, to be given again to a repeated request."""
    body = check.model_dump(mode="json")
    body["eligibility"] = body.pop("status")
    return body


def refusal_from(body: dict[str, Any]) -> NotEligible:
    """Return the refusal that was stored."""
    extra = {key: value for key, value in body.items() if key != "message"}
    return NotEligible("not_eligible", body["message"], **extra)


def status_of(row: Touchpoint, now: datetime) -> str:
    """Return the status at `now`: a reservation is `expired` once its time is up."""
    if row.status == TouchpointStatus.RESERVED and row.expires_at is not None and now >= row.expires_at:
        return TouchpointStatus.EXPIRED.value
    return row.status


def touchpoint_out(row: Touchpoint, now: datetime, new_conflicts: Sequence[str] = ()) -> schemas.TouchpointOut:
    """Return the touchpoint as every team may see it."""
    return schemas.TouchpointOut(
        id=row.id,
        status=status_of(row, now),
        contact=row.contact_id,
        account=row.account_id,
        at=row.at,
        date=row.on_date,
        team=row.team,
        channel=row.channel,
        purpose=row.purpose,
        direction=row.direction,
        engagement=row.engagement,
        expires_at=row.expires_at if row.status == TouchpointStatus.RESERVED else None,
        external_id=None if row.source == schemas.RECORDINGS else row.external_id,
        source=row.source,
        policy_version=row.policy_version,
        overridden=list((row.overrides or {}).get("refs", [])),
        violations=list(row.violations),
        new_conflicts=list(new_conflicts),
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
        revision=row.revision,
    )


def reason_out(reason: Reason, message: str) -> schemas.ReasonOut:
    return schemas.ReasonOut(
        code=reason.code.value,
        ref=reason.ref,
        policy_name=reason.policy_name,
        policy_version=reason.policy_version,
        level=reason.level.value,
        clears_at=reason.clears_at,
        overridable=reason.overridable,
        blocking=[
            schemas.BlockingOut(
                touchpoint=one.touchpoint,
                at=one.at,
                date=one.date,
                team=one.team,
                channel=one.channel,
                purpose=one.purpose,
                status=one.status.value,
                expires_at=one.expires_at,
            )
            for one in reason.blocking
        ],
        limit=None
        if reason.limit is None
        else schemas.LimitOut(max=reason.limit.max_count, window=str(reason.limit.window), count=reason.limit.count),
        message=message,
    )
