"""GET /api/v1/search and what goes with it: moments, moments like another one, how a query may go on."""

from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response

from app.api.dependencies import Reader, ServicesDep
from app.api.json_answers import json_answer
from app.voices import find_voices
from search.schemas import (
    SearchAnswerOut,
    SearchQuery,
    SimilarOut,
    SimilarQuery,
    SuggestionOut,
    SuggestionQuery,
    SuggestionsOut,
)
from search.values import SuggestionRequest

router = APIRouter(prefix="/api/v1", tags=["search"])


@router.get("/search", response_model=SearchAnswerOut)
def search(query: Annotated[SearchQuery, Query()], services: ServicesDep, user: Reader) -> Response:
    """Find moments by meaning, by words, or by both.

    Interviews that are ready are found; one whose change is being processed keeps being found meanwhile. A word that
    nobody said is looked for as the words it may have been meant for; `corrections` says so.
    """
    voices = find_voices(services, user, query.contact, query.account)
    request = query.request(ZoneInfo(services.settings.timezone), user.viewer, voices)
    return json_answer(SearchAnswerOut.model_validate(services.search.search(request)))


@router.get("/search/suggestions")
def suggestions(query: Annotated[SuggestionQuery, Query()], services: ServicesDep, user: Reader) -> SuggestionsOut:
    """Complete a query that is being typed, from what is said in the interviews."""
    found = services.search.suggest(SuggestionRequest(query.q, query.limit, user.viewer))
    return SuggestionsOut(suggestions=[SuggestionOut.model_validate(one) for one in found])


@router.get("/moments/similar")
def similar(query: Annotated[SimilarQuery, Query()], services: ServicesDep, user: Reader) -> SimilarOut:
    """Find the moments that mean most nearly the same as one, itself left out."""
    return SimilarOut.model_validate({"results": services.search.similar(query.request(user.viewer))})
