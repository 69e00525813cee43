"""How good the search is, for administrators: questions, the moments they should find, and runs to compare."""

from itertools import pairwise
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app import search_quality
from app.access.principals import Principal
from app.api.dependencies import ServicesDep
from app.pages.dependencies import PageAdministrator, check_csrf, render
from app.services import Services
from core.errors import AppError
from search.values import PassagePlace, SearchRequest

router = APIRouter(prefix="/search-quality")


@router.get("", response_class=HTMLResponse)
def quality_page(
    request: Request, services: ServicesDep, user: PageAdministrator, q: Annotated[str, Query()] = ""
) -> HTMLResponse:
    """Show the runs and the questions; with `q`, the moments to choose the expected ones from."""
    return _page(request, services, user, q.strip())


@router.post("/expected", response_class=HTMLResponse, dependencies=[Depends(check_csrf)])
def expect(
    request: Request,
    services: ServicesDep,
    user: PageAdministrator,
    q: Annotated[str, Form(max_length=2000)] = "",
    interview: Annotated[str, Form(max_length=100)] = "",
    first_segment: Annotated[int, Form()] = 0,
    last_segment: Annotated[int, Form()] = 0,
) -> Response:
    """Note that the question ought to find this moment."""
    try:
        place = PassagePlace(interview, first_segment, last_segment)
        search_quality.expect(services, user.id, user.viewer, q, place)
    except AppError as error:
        return _page(request, services, user, q, error)
    return _back()


@router.post("/run", response_class=HTMLResponse, dependencies=[Depends(check_csrf)])
def run(request: Request, services: ServicesDep, user: PageAdministrator) -> Response:
    try:
        search_quality.run(services, user.id, user.viewer)
    except AppError as error:
        return _page(request, services, user, "", error)
    return _back()


@router.post("/questions/{question_id}/delete", dependencies=[Depends(check_csrf)])
def delete_question(question_id: str, services: ServicesDep, user: PageAdministrator) -> Response:
    search_quality.remove_question(services, user.id, question_id)
    return _back()


@router.post("/expected/{moment_id}/delete", dependencies=[Depends(check_csrf)])
def delete_moment(moment_id: str, services: ServicesDep, user: PageAdministrator) -> Response:
    search_quality.remove_moment(services, user.id, moment_id)
    return _back()


def _back() -> Response:
    return RedirectResponse("/search-quality", status_code=303)


def _page(request: Request, services: Services, user: Principal, q: str, error: AppError | None = None) -> HTMLResponse:
    results = None
    if q:
        try:
            results = services.search.search(SearchRequest(q, viewer=user.viewer)).results
        except AppError as failure:
            error = error or failure
    runs = search_quality.list_runs(services)
    changes = [later.quality.ndcg - earlier.quality.ndcg for later, earlier in pairwise(runs)]
    return render(
        request,
        "search_quality.html",
        status_code=error.status if error else 200,
        q=q,
        results=results,
        runs=list(zip(runs, [*changes, None], strict=False)),
        questions=search_quality.list_questions(services),
        error=error.message if error else None,
    )
