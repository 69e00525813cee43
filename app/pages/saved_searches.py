"""Keeping a search from the search page, opening a kept one, and forgetting it."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request
from starlette.datastructures import QueryParams
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app import saved_searches
from app.api.dependencies import ServicesDep
from app.pages.answers import read_question
from app.pages.dependencies import PageReader, check_csrf, render
from core.errors import AppError
from search.schemas import SearchQuery

router = APIRouter(prefix="/saved-searches")


@router.get("/new", response_class=HTMLResponse)
def name_it(request: Request, services: ServicesDep, user: PageReader) -> HTMLResponse:
    """Ask for a name of the search that the address holds."""
    return _form(request, str(request.url.query), request.query_params.get("q", ""))


@router.post("", response_class=HTMLResponse, dependencies=[Depends(check_csrf)])
def save(
    request: Request,
    services: ServicesDep,
    user: PageReader,
    asked: Annotated[str, Form(max_length=4000)] = "",
    name: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    try:
        query = SearchQuery(**read_question(QueryParams(asked)).model_dump(by_alias=True))
        saved_searches.save(services, user, name, query)
    except AppError as error:
        return _form(request, asked, name, error=error)
    return RedirectResponse("/", status_code=303)


@router.post("/{saved_search_id}/open", dependencies=[Depends(check_csrf)])
def open_it(saved_search_id: str, services: ServicesDep, user: PageReader) -> Response:
    """Show the search, and note that its owner has looked."""
    return RedirectResponse(saved_searches.look(services, user, saved_search_id).link, status_code=303)


@router.post("/{saved_search_id}/delete", dependencies=[Depends(check_csrf)])
def delete(saved_search_id: str, services: ServicesDep, user: PageReader) -> Response:
    saved_searches.delete(services, user, saved_search_id)
    return RedirectResponse("/", status_code=303)


def _form(request: Request, asked: str, name: str, *, error: AppError | None = None) -> HTMLResponse:
    params = QueryParams(asked)
    return render(
        request,
        "saved_search.html",
        status_code=error.status if error else 200,
        asked=asked,
        proposed=name,
        back="/?" + urlencode(params.multi_items()) if asked else "/",
        filters=[(key, value) for key, value in params.items() if value and key not in ("q", "limit")],
        q=params.get("q", ""),
        error=error.message if error else None,
    )
