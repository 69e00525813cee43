"""The search page: a question in, moments out. The address holds the whole question, so it can be sent to anybody."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, cast
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from app.api.dependencies import ServicesDep
from app.pages import choices
from app.pages.dependencies import PageReader, render
from app.pages.formats import counted, local_instant, zone_of
from app.pages.languages import language_choices, language_name
from app.pages.narrowing import narrowings
from app.pages.questions import Question, QuestionDep
from app.saved_searches import list_saved
from app.services import Services
from core.errors import AppError, NotFound
from core.visibility import Viewer
from search.values import (
    MAX_QUERY_CHARACTERS,
    MAX_RESULTS,
    Kind,
    Mode,
    SearchAnswer,
    SearchFilters,
    SearchRequest,
    SearchResult,
    SimilarRequest,
    Suggestion,
    SuggestionRequest,
)

router = APIRouter()

MODES = (("hybrid", "Meaning and words"), ("semantic", "Meaning"), ("keyword", "Words"))
EXAMPLES = (
    "customers are annoyed by repeated emails",
    "why people stopped using the product",
    "what would make the price worth it",
    "trouble on the first day",
)
RECENT_INTERVIEWS = 6
SUGGESTIONS = 8


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in use and the address without it."""

    word: str
    without: str


@router.get("/", response_class=HTMLResponse)
def search_page(request: Request, services: ServicesDep, user: PageReader, question: QuestionDep) -> HTMLResponse:
    """Show the question, and its answer if something was asked."""
    projects = choices.project_choices(services, user.viewer)
    teams = choices.team_choices(services)
    chips = _chips(question, dict(projects), dict(teams))
    context: dict[str, Any] = {
        "question": question,
        "modes": MODES,
        "projects": projects,
        "project_names": dict(projects),
        "teams": teams,
        "languages": language_choices(),
        "chips": chips,
        "answer": None,
        "error": None,
        "status_sentence": "",
        "examples": EXAMPLES,
        "recent": [],
        "more_link": replace(question, limit=min(question.limit + 20, MAX_RESULTS)).address(),
        "without_filters": Question(question.q, question.mode).address(),
        "by_meaning": replace(question, mode="semantic").address(),
        "regrouped": replace(question, group="" if question.group else "interview").address(),
    }
    if not question.q:
        context["saved"] = list_saved(services, user)
        context["recent"] = services.ingest.list_interviews(limit=RECENT_INTERVIEWS, viewer=user.viewer).items
        return render(request, "search.html", **context)
    try:
        answer = _answer(services, user.viewer, question, zone_of(request))
    except AppError as error:
        context |= {"error": error.message, "status_sentence": "The search failed."}
        return render(request, "search.html", status_code=error.status, **context)
    context |= {
        "answer": answer,
        "status_sentence": _sentence(answer),
        "heard": _with_sound(services, user.viewer, answer.results),
        "narrowings": narrowings(question, answer.facets or {}, {"project": dict(projects), "team": dict(teams)}),
        "suggestions": [] if answer.results else _suggestions(services, user.viewer, question.q),
    }
    return render(request, "search.html", **context)


@router.get("/suggestions", response_class=HTMLResponse)
def suggestions_fragment(request: Request, services: ServicesDep, user: PageReader, q: str = "") -> HTMLResponse:
    """Return the options of the question's field, for a browser that asks while somebody types."""
    suggestions = _suggestions(services, user.viewer, q[:MAX_QUERY_CHARACTERS])
    return render(request, "_suggestions.html", suggestions=suggestions)


@router.get("/similar", response_class=HTMLResponse)
def similar_page(
    request: Request, services: ServicesDep, user: PageReader, interview: str, first: int, last: int
) -> HTMLResponse:
    """Show the moments that mean most nearly the same as one."""
    results = services.search.similar(SimilarRequest(interview, first, last, viewer=user.viewer, with_sentences=True))
    return render(
        request,
        "similar.html",
        interview=services.ingest.get(interview, user.viewer),
        first=first,
        results=results,
        question=Question(),
        project_names=dict(choices.project_choices(services, user.viewer)),
        heard=_with_sound(services, user.viewer, results),
    )


def _answer(services: Services, viewer: Viewer, question: Question, zone: ZoneInfo) -> SearchAnswer:
    filters = SearchFilters(
        project=question.project or None,
        team=question.team or None,
        speaker=question.speaker or None,
        tag=question.tag or None,
        from_at=local_instant(question.from_day, zone),
        # both ends are inclusive: the last day counts to its last millisecond
        to_at=local_instant(f"{question.to_day}T23:59:59.999", zone),
        language=question.language or None,
        kind=cast(Kind, question.kind) if question.kind else None,
    )
    return services.search.search(
        SearchRequest(
            question.q,
            cast(Mode, question.mode),
            question.limit,
            filters,
            viewer,
            zone,
            is_grouped=bool(question.group),
            with_facets=True,
            with_sentences=True,
        )
    )


def _suggestions(services: Services, viewer: Viewer, typed: str) -> list[Suggestion]:
    return services.search.suggest(SuggestionRequest(typed, SUGGESTIONS, viewer))


def _with_sound(services: Services, viewer: Viewer, results: Iterable[SearchResult]) -> set[str]:
    """Return the ids of the found interviews that can be heard; one deleted a moment ago is left out."""
    heard = set()
    for interview_id in {result.interview.id for result in results}:
        with suppress(NotFound):
            if services.ingest.get(interview_id, viewer).has_recording:
                heard.add(interview_id)
    return heard


def _sentence(answer: SearchAnswer) -> str:
    if not answer.results:
        return "Nothing was found."
    return f"{counted(len(answer.results), 'interview' if answer.groups else 'moment')} found."


def _chips(question: Question, projects: dict[str, str], teams: dict[str, str]) -> list[Chip]:
    words = {
        "project": projects.get(question.project, question.project),
        "team": teams.get(question.team, question.team),
        "speaker": f"said by {question.speaker}",
        "tag": f"tag {question.tag}",
        "from_day": f"from {question.from_day}",
        "to_day": f"until {question.to_day}",
        "language": f"in {language_name(question.language)}",
        "kind": "with sound" if question.kind == "recording" else "text only",
    }
    return [
        Chip(word, replace(question, **{name: ""}).address())  # type: ignore[arg-type]
        for name, word in words.items()
        if getattr(question, name)
    ]
