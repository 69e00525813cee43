"""Searches that somebody keeps, and what is new among their results since that person last looked.

New is an interview that became findable after the last look, is among the first results now and was not then. The
search runs with the rights its owner has at that moment, so what they may not see is neither named nor counted.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, Column, func
from sqlmodel import Field, SQLModel, col, select

from app.access.principals import Principal
from app.services import Services
from app.voices import find_voices
from core.audit import record_event
from core.database import utc_column
from core.errors import AppError, InvalidInput, NotFound
from core.ids import new_id
from core.tables import Interview
from core.text import clean_text
from search import repository as search_repository
from search.schemas import SearchQuery
from search.values import FoundInterview

MOST_KEPT = 100  # by one owner
RESULTS_LOOKED_AT = 20  # interviews, best first: what somebody sees of a search
MOST_NAME_CHARACTERS = 200


class SavedSearch(SQLModel, table=True):
    """`asked` are the parameters of GET /api/v1/search that are not the default ones."""

    __tablename__ = "saved_search"

    id: str = Field(primary_key=True)
    owner: str = Field(index=True)  # a user, or a key that is nobody's
    name: str
    asked: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    created_at: datetime = Field(sa_column=utc_column())
    looked_at: datetime = Field(sa_column=utc_column())
    looked_seq: int  # the last index change at that time
    seen: list[str] = Field(sa_column=Column(JSON, nullable=False))  # interviews among the results at that time


@dataclass(frozen=True, slots=True)
class SavedSearchView:
    """`new` is None where the search cannot be answered now; `problem` says why."""

    id: str
    name: str
    search: SearchQuery
    created_at: datetime
    looked_at: datetime
    new: tuple[FoundInterview, ...] | None
    problem: str | None = None

    @property
    def link(self) -> str:
        return "/?" + urlencode(asked_of(self.search))


def asked_of(query: SearchQuery) -> dict[str, Any]:
    """Return the parameters of a search that are not the default ones, as an address has them."""
    return query.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"facets", "group", "limit"})


def save(services: Services, user: Principal, name: str, query: SearchQuery) -> SavedSearchView:
    """Keep the search for `user`; all that it finds now counts as seen. An empty name becomes the query itself.

    Raises InvalidInput `too_many_saved_searches`, and as `SearchService.search` and `find_voices`.
    """
    owner = owner_of(user)
    name = " ".join(clean_text(name).split())[:MOST_NAME_CHARACTERS] or query.q.strip()[:MOST_NAME_CHARACTERS]
    seq, found = _look(services, user, query)
    now = services.clock.now()
    row = SavedSearch(
        id=new_id("sav"),
        owner=owner,
        name=name,
        asked=asked_of(query),
        created_at=now,
        looked_at=now,
        looked_seq=seq,
        seen=[interview.id for interview in found],
    )
    view = SavedSearchView(row.id, row.name, query, now, now, ())
    with services.database.write() as session:
        kept = session.exec(select(func.count()).select_from(SavedSearch).where(SavedSearch.owner == owner)).one()
        if kept >= MOST_KEPT:
            raise InvalidInput("too_many_saved_searches", f"{MOST_KEPT} searches are kept already: delete one first.")
        session.add(row)
        _record(services, session, user, "saved_search.created", view.id)
    return view


def list_saved(services: Services, user: Principal) -> list[SavedSearchView]:
    """Return the searches of `user`, the one saved last first, each with what is new."""
    query = select(SavedSearch).where(SavedSearch.owner == owner_of(user))
    with services.database.read() as session:
        rows = list(session.exec(query.order_by(col(SavedSearch.created_at).desc(), col(SavedSearch.id).desc())))
    return [_view(services, user, row) for row in rows]


def get_saved(services: Services, user: Principal, saved_id: str) -> SavedSearchView:
    """Return one of the searches of `user`. Raises NotFound `unknown_saved_search`, for another's as well."""
    with services.database.read() as session:
        return _view(services, user, _own(session.get(SavedSearch, saved_id), user))


def look(services: Services, user: Principal, saved_id: str) -> SavedSearchView:
    """Note that `user` has looked now, and return the search with what was new until then. Raises as `get_saved`."""
    view = get_saved(services, user, saved_id)
    if view.new is None:
        return view
    seq, found = _look(services, user, view.search)
    with services.database.write() as session:
        row = _own(session.get(SavedSearch, saved_id), user)
        row.looked_at, row.looked_seq, row.seen = services.clock.now(), seq, [interview.id for interview in found]
        return replace(view, looked_at=row.looked_at)


def delete(services: Services, user: Principal, saved_id: str) -> None:
    """Forget the search. Raises as `get_saved`."""
    with services.database.write() as session:
        session.delete(_own(session.get(SavedSearch, saved_id), user))
        _record(services, session, user, "saved_search.deleted", saved_id)


def owner_of(user: Principal) -> str:
    """Return whose searches these are: the person's, also through a key of theirs; else the key's own."""
    return user.user_id or user.id


def _own(row: SavedSearch | None, user: Principal) -> SavedSearch:
    if row is None or row.owner != owner_of(user):
        raise NotFound("unknown_saved_search", "There is no saved search of yours with this id.")
    return row


def _view(services: Services, user: Principal, row: SavedSearch) -> SavedSearchView:
    query = SearchQuery.model_validate(row.asked)
    view = SavedSearchView(row.id, row.name, query, row.created_at, row.looked_at, ())
    new = _became_findable(services, row)
    if not new:
        return view
    try:
        _, found = _look(services, user, query)
    except AppError as error:  # its project is gone, or the rights to see contacts
        return replace(view, new=None, problem=error.message)
    return replace(view, new=tuple(interview for interview in found if interview.id in new))


def _became_findable(services: Services, row: SavedSearch) -> set[str]:
    """Return the interviews indexed after the last look and not seen then; making the index anew makes nothing new."""
    with services.database.read() as session:
        changed = {interview_id for _, interview_id in search_repository.changes_after(session, row.looked_seq)}
        changed -= set(row.seen)
        if not changed:
            return changed
        later = select(Interview.id).where(col(Interview.updated_at) >= row.looked_at)
        return {interview_id for interview_id in session.exec(later) if interview_id in changed}


def _look(services: Services, user: Principal, query: SearchQuery) -> tuple[int, list[FoundInterview]]:
    """Return the last index change and the interviews found; whatever comes between the two is new the next time."""
    with services.database.read() as session:
        seq = search_repository.last_change(session)
    voices = find_voices(services, user, query.contact, query.account)
    request = query.request(ZoneInfo(services.settings.timezone), user.viewer, voices)
    request = replace(request, limit=RESULTS_LOOKED_AT, is_grouped=True, with_facets=False)
    return seq, [result.interview for result in services.search.search(request).results]


def _record(services: Services, session: Any, user: Principal, action: str, saved_id: str) -> None:
    record_event(
        session,
        at=services.clock.now(),
        actor=user.id,
        action=action,
        subject_type="saved_search",
        subject_id=saved_id,
    )
