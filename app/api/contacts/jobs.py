"""Long lists that were taken as jobs: how far they are, and their answers."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from starlette.responses import StreamingResponse

from app.access.permissions import Permission
from app.access.principals import Principal
from app.api.dependencies import ContactReader, ServicesDep
from app.api.json_answers import json_answer
from contact_registry.schemas_lists import JobOut

router = APIRouter(prefix="/api/v1", tags=["contacts"])


def owner_of(user: Principal) -> str | None:
    """Return whose jobs the principal may see: their own; None, which is everybody's, for administrators."""
    return None if user.may(Permission.ADMIN) else user.id


@router.get("/jobs/{job_id}", response_model=JobOut)
def get_job(job_id: str, services: ServicesDep, user: ContactReader) -> Response:
    """Return how far a long list is; when it is done, where its answer is. Jobs are kept for a week."""
    return json_answer(services.registry.lists.get(job_id, owner_of(user)))


@router.get(
    "/jobs/{job_id}/result",
    response_class=Response,
    responses={
        200: {
            "description": "The answer in the shape of a short list's; the file with answers where a file was sent.",
            "content": {"application/json": {}, "text/csv": {"schema": {"type": "string"}}},
        }
    },
)
def get_result(
    job_id: str,
    services: ServicesDep,
    user: ContactReader,
    wanted: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
) -> Response:
    """Return the answer of a job that is done; `csv` for lists that were sent as CSV."""
    lists, owner = services.registry.lists, owner_of(user)
    read = lists.result_csv if wanted == "csv" else lists.result
    pieces = read(job_id, owner)
    services.audit.happened(user.id, "list.exported", "job", job_id)
    if wanted == "json":
        return StreamingResponse(pieces, media_type="application/json")
    headers = {"Content-Disposition": f'attachment; filename="{job_id}.csv"'}
    return StreamingResponse(pieces, media_type="text/csv; charset=utf-8", headers=headers)
