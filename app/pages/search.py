"""The search page: a question in, moments out. The address holds the whole question, so it can be sent to anybody."""

from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Annotated, Any, cast, get_args
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import HTMLResponse

from app.api.dependencies import ServicesDep
from app.pages import choices
from app.pages.dependencies import PageReader, render
from app.pages.formats import counted, local_instant, zone_of
from app.pages.languages import language_choices, language_name
from app.services import Services
from core.errors import AppError, NotFound
from core.visibility import Viewer
from search.values import MAX_RESULTS, Mode, SearchAnswer, SearchFilters, SearchRequest

router = APIRouter()

MODES = (("hybrid", "Meaning and words"), ("semantic", "Meaning"), ("keyword", "Words"))
EXAMPLES = (
    "customers are annoyed by repeated emails",
    "why people stopped using the product",
    "what would make the price worth it",
    "trouble on the first day",
)
RECENT_INTERVIEWS = 6


@dataclass(frozen=True, slots=True)
class Question:
    """What the address says; every field is "" where nothing was asked."""

    q: str = ""
    mode: str = "hybrid"
    limit: int = 10
    project: str = ""
    team: str = ""
    speaker: str = ""
    tag: str = ""
    from_day: str = ""
    to_day: str = ""
    language: str = ""

    def address(self) -> str:
        """Return the page's address with this question, defaults left out."""
        names = {"from_day": "from", "to_day": "to"}
        defaults = asdict(Question())
        asked = {names.get(key, key): value for key, value in asdict(self).items() if value != defaults[key]}
        return "/?" + urlencode(asked) if asked else "/"


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in use and the address without it."""

    word: str
    without: str


def question_of(
    q: Annotated[str, Query()] = "",
    mode: Annotated[str, Query()] = "hybrid",
    limit: Annotated[int, Query(ge=1, le=MAX_RESULTS)] = 10,
    project: str = "",
    team: str = "",
    speaker: str = "",
    tag: str = "",
    from_day: Annotated[str, Query(alias="from")] = "",
    to_day: Annotated[str, Query(alias="to")] = "",
    language: str = "",
) -> Question:
    """Read the question from the address; an unknown mode is the default one."""
    known_mode = mode if mode in get_args(Mode) else "hybrid"
    texts = (project, team, speaker, tag, from_day, to_day, language)
    return Question(q.strip(), known_mode, limit, *(text.strip() for text in texts))


QuestionDep = Annotated[Question, Depends(question_of)]


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
    }
    if not question.q:
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
        "heard": _with_sound(services, user.viewer, answer),
    }
    return render(request, "search.html", **context)


def _answer(services: Services, viewer: Viewer, question: Question, zone: ZoneInfo) -> SearchAnswer:
    last_day = local_instant(question.to_day, zone)
    filters = SearchFilters(
        project=question.project or None,
        team=question.team or None,
        speaker=question.speaker or None,
        tag=question.tag or None,
        from_at=local_instant(question.from_day, zone),
        # both ends are inclusive: the last day counts to its last millisecond
        to_at=last_day + timedelta(days=1, milliseconds=-1) if last_day else None,
        language=question.language or None,
    )
    return services.search.search(SearchRequest(question.q, cast(Mode, question.mode), question.limit, filters, viewer))


def _with_sound(services: Services, viewer: Viewer, answer: SearchAnswer) -> set[str]:
    """Return the ids of the found interviews that can be heard; one deleted a moment ago is left out."""
    heard = set()
    for interview_id in {result.interview.id for result in answer.results}:
        with suppress(NotFound):
            if services.ingest.get(interview_id, viewer).has_recording:
                heard.add(interview_id)
    return heard


def _sentence(answer: SearchAnswer) -> str:
    return f"{counted(len(answer.results), 'moment')} found." if answer.results else "Nothing was found."


def _chips(question: Question, projects: dict[str, str], teams: dict[str, str]) -> list[Chip]:
    words = {
        "project": projects.get(question.project, question.project),
        "team": teams.get(question.team, question.team),
        "speaker": f"said by {question.speaker}",
        "tag": f"tag {question.tag}",
        "from_day": f"from {question.from_day}",
        "to_day": f"until {question.to_day}",
        "language": f"in {language_name(question.language)}",
    }
    return [
        Chip(word, replace(question, **{name: ""}).address())  # type: ignore[arg-type]
        for name, word in words.items()
        if getattr(question, name)
    ]
