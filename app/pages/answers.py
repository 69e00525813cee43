"""The answer with people counted: a page of its own; where scripts run the search page shows it above its moments."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.datastructures import QueryParams
from starlette.responses import HTMLResponse

from app.api.answers import answer_to
from app.api.dependencies import ServicesDep
from app.pages.dependencies import PageReader, render
from core.errors import AppError, InvalidInput
from search.schemas import FilteredQuery

router = APIRouter()


def read_question(params: QueryParams) -> FilteredQuery:
    """Return the question of a search page's address, without what only that page needs.

    Raises: InvalidInput `unreadable_question`.
    """
    names = {field.alias or name for name, field in FilteredQuery.model_fields.items()}
    asked = {name: value for name, value in params.items() if name in names and value}
    try:
        return FilteredQuery.model_validate({"q": "", **asked})
    except ValidationError as error:
        wrong = ", ".join(str(failure["loc"][0]) for failure in error.errors())
        raise InvalidInput("unreadable_question", f"This cannot be read: {wrong}. Ask it again on the page.") from error


@router.get("/answers", response_class=HTMLResponse)
def answers_page(request: Request, services: ServicesDep, user: PageReader) -> HTMLResponse:
    """Show who says what; a question that cannot be answered is said on the page."""
    context: dict[str, Any] = {"q": request.query_params.get("q", "").strip(), "answer": None, "error": None}
    context["moments_link"] = f"/?{request.url.query}" if request.url.query else "/"
    if not context["q"]:
        return render(request, "answers.html", **context)
    try:
        context["answer"] = answer_to(services, user, read_question(request.query_params))
    except AppError as error:
        return render(request, "answers.html", status_code=error.status, **context | {"error": error.message})
    return render(request, "answers.html", **context)
