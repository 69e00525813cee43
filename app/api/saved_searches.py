"""Saved searches: keep one, list them with what is new since one last looked, note that one has looked, delete."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app import saved_searches
from app.api.dependencies import Reader, ServicesDep
from app.api.repeats import IdempotencyKey, fingerprint_of, once
from search.schemas import FoundInterviewOut, SearchQuery

router = APIRouter(prefix="/api/v1/saved-searches", tags=["search"])


class SavedSearchIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(
        default="", max_length=saved_searches.MOST_NAME_CHARACTERS, description="Empty: the query is the name."
    )
    search: SearchQuery = Field(
        description="What GET /api/v1/search takes; `limit`, `facets` and `group` are not kept."
    )


class SavedSearchOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    search: SearchQuery
    created_at: datetime
    looked_at: datetime
    new: list[FoundInterviewOut] | None = Field(
        description=f"Interviews among the first {saved_searches.RESULTS_LOOKED_AT} found that became findable after "
        "the last look; null where the search cannot be answered now."
    )
    problem: str | None = Field(description="Why not.")
    link: str = Field(description="The search page with this search, below the address of this Earshot.")


class SavedSearchList(BaseModel):
    items: list[SavedSearchOut]


@router.post("", status_code=201)
def save_search(
    body: SavedSearchIn, services: ServicesDep, user: Reader, idempotency_key: IdempotencyKey = None
) -> SavedSearchOut:
    """Keep a search for the caller: a person's also through their keys. What it finds now counts as seen."""
    saved, _ = once(
        services,
        saved_searches.owner_of(user),
        idempotency_key,
        fingerprint_of("saved-search", body.model_dump_json(by_alias=True)),
        status=201,
        create=lambda: saved_searches.save(services, user, body.name, body.search),
        read=lambda saved_id: saved_searches.get_saved(services, user, saved_id),
    )
    return SavedSearchOut.model_validate(saved)


@router.get("")
def list_saved_searches(services: ServicesDep, user: Reader) -> SavedSearchList:
    """List the caller's searches, the one saved last first, each with what is new since they last looked."""
    return SavedSearchList.model_validate({"items": saved_searches.list_saved(services, user)})


@router.get("/{saved_search_id}")
def get_saved_search(saved_search_id: str, services: ServicesDep, user: Reader) -> SavedSearchOut:
    return SavedSearchOut.model_validate(saved_searches.get_saved(services, user, saved_search_id))


@router.post("/{saved_search_id}/look")
def look_at_saved_search(saved_search_id: str, services: ServicesDep, user: Reader) -> SavedSearchOut:
    """Note that the caller has looked; the answer holds for the last time what was new until then."""
    return SavedSearchOut.model_validate(saved_searches.look(services, user, saved_search_id))


@router.delete("/{saved_search_id}", status_code=204)
def delete_saved_search(saved_search_id: str, services: ServicesDep, user: Reader) -> None:
    saved_searches.delete(services, user, saved_search_id)
