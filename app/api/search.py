"""GET /api/v1/search: the moments in which something was said."""

from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from app.api.dependencies import Reader, ServicesDep
from search.schemas import SearchAnswerOut, SearchQuery

router = APIRouter(prefix="/api/v1", tags=["search"])


@router.get("/search")
def search(query: Annotated[SearchQuery, Query()], services: ServicesDep, user: Reader) -> SearchAnswerOut:
    """Find moments by meaning, by words, or by both.

    Interviews that are ready are found; one whose change is being processed keeps being found meanwhile.
    """
    request = query.request(ZoneInfo(services.settings.timezone), user.viewer)
    return SearchAnswerOut.model_validate(services.search.search(request))
