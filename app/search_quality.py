"""Questions with the moments they should find, and how well the search found them, run by run.

An administrator keeps the questions, runs them before and after a change of model or of the index, and compares: on
the page, by the API, or with `earshot search-quality run`.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, Session, SQLModel, col, select

from app.services import Services
from core.audit import record_event
from core.database import utc_column
from core.errors import InvalidInput, NotFound
from core.ids import new_id
from core.tables import Interview, Segment
from core.text import count_words
from core.visibility import Viewer
from search import findable
from search.quality import MOST_RESULTS, Quality, mean_of, score
from search.values import PassagePlace, SearchRequest

MOST_RUNS_SHOWN = 20


class QualityQuestion(SQLModel, table=True):
    __tablename__ = "quality_question"

    id: str = Field(primary_key=True)
    query: str = Field(unique=True)
    created_at: datetime = Field(sa_column=utc_column())


class ExpectedMoment(SQLModel, table=True):
    """Segments `first_segment` to `last_segment` (from 0, inclusive) ought to be found."""

    __tablename__ = "expected_moment"

    id: str = Field(primary_key=True)
    question_id: str = Field(foreign_key="quality_question.id", ondelete="CASCADE", index=True)
    interview_id: str = Field(foreign_key="interview.id", ondelete="CASCADE", index=True)
    first_segment: int
    last_segment: int


class QualityRun(SQLModel, table=True):
    """All questions asked at one time with one model; `scores` by question: [recall, ndcg, mrr], older ones without."""

    __tablename__ = "quality_run"

    id: str = Field(primary_key=True)
    at: datetime = Field(sa_column=utc_column(index=True))
    actor: str
    model: str
    recall: float
    ndcg: float
    scores: dict[str, list[float]] = Field(sa_column=Column(JSON, nullable=False))


@dataclass(frozen=True, slots=True)
class MomentView:
    id: str
    interview_id: str
    title: str
    first_segment: int
    last_segment: int


@dataclass(frozen=True, slots=True)
class QuestionView:
    """`latest` and `before` are of the last two runs that asked it."""

    id: str
    query: str
    created_at: datetime
    moments: tuple[MomentView, ...]
    latest: Quality | None
    before: Quality | None


@dataclass(frozen=True, slots=True)
class ScoredQuestion:
    """`query` is None where the question was deleted since."""

    question_id: str
    query: str | None
    quality: Quality


@dataclass(frozen=True, slots=True)
class RunView:
    """`quality` is the mean over the questions; `scored` has each of them in order, those deleted since last."""

    id: str
    at: datetime
    model: str
    questions: int
    quality: Quality
    scored: tuple[ScoredQuestion, ...]


def expect(services: Services, actor: str, viewer: Viewer, query: str, *places: PassagePlace) -> str:
    """Note that `query` ought to find `places`, and return the question's id; what was noted before changes nothing.

    Raises InvalidInput `unknown_segments`, and as `SearchService.search` of a question that is none; NotFound
    `unknown_interview`. Then nothing is noted at all.
    """
    query = " ".join(query.split())
    services.search.search(SearchRequest(query, "keyword", 1, viewer=viewer))  # raises InvalidInput
    for interview_id in dict.fromkeys(place.interview_id for place in places):
        services.ingest.get(interview_id, viewer)  # raises NotFound
    with services.database.write() as session:
        question = session.exec(select(QualityQuestion).where(QualityQuestion.query == query)).first()
        if question is None:
            question = QualityQuestion(id=new_id("qst"), query=query, created_at=services.clock.now())
            session.add(question)
            session.flush()
        for place in places:
            moment_id = _add_moment(session, question.id, place)
            if moment_id is not None:
                _record(services, session, actor, "quality_question.moment_added", question.id, moment=moment_id)
        return question.id


def remove_question(services: Services, actor: str, question_id: str) -> None:
    """Forget a question with its moments; runs keep its scores. Raises NotFound `unknown_question`."""
    with services.database.write() as session:
        question = session.get(QualityQuestion, question_id)
        if question is None:
            raise NotFound("unknown_question", "There is no such question.")
        session.delete(question)
        _record(services, session, actor, "quality_question.deleted", question_id)


def remove_moment(services: Services, actor: str, moment_id: str) -> None:
    """Expect this moment no longer. Raises NotFound `unknown_moment`."""
    with services.database.write() as session:
        moment = session.get(ExpectedMoment, moment_id)
        if moment is None:
            raise NotFound("unknown_moment", "There is no such expected moment.")
        session.delete(moment)
        _record(services, session, actor, "quality_question.moment_removed", moment.question_id, moment=moment_id)


def run(services: Services, actor: str, viewer: Viewer) -> RunView:
    """Ask all questions of which a moment can be found now, store how well it went, and return it.

    One that search refuses by now, as when the project it names is gone, finds nothing.
    Raises InvalidInput `no_questions`; Unavailable `embedding_model_missing`.
    """
    with services.database.read() as session:
        visible = findable.visible_interviews(session, viewer)
        expected: dict[str, list[PassagePlace]] = defaultdict(list)
        for moment in session.exec(select(ExpectedMoment).order_by(col(ExpectedMoment.id))):
            if moment.interview_id in visible:
                place = PassagePlace(moment.interview_id, moment.first_segment, moment.last_segment)
                expected[moment.question_id].append(place)
        asked = [row for row in session.exec(_in_order()) if row.id in expected]
    if not asked:
        raise InvalidInput("no_questions", "No question has a moment that can be found: add one first.")
    qualities: dict[str, Quality] = {}
    for question in asked:
        found = _found(services, viewer, question.query)
        words = _words_of(services, {place.interview_id for place in (*found, *expected[question.id])})
        qualities[question.id] = score(found, expected[question.id], words)
    mean = mean_of(list(qualities.values()))
    row = QualityRun(
        id=new_id("run"),
        at=services.clock.now(),
        actor=actor,
        model=services.search.status().model,
        recall=mean.recall,
        ndcg=mean.ndcg,
        scores={question_id: [one.recall, one.ndcg, one.mrr or 0.0] for question_id, one in qualities.items()},
    )
    view = _run_view(row, {question.id: question.query for question in asked})
    with services.database.write() as session:
        session.add(row)
        _record(services, session, actor, "search_quality.run", view.id)
    return view


def _found(services: Services, viewer: Viewer, query: str) -> list[PassagePlace]:
    try:
        answer = services.search.search(SearchRequest(query, limit=MOST_RESULTS, viewer=viewer))
    except InvalidInput:
        return []
    return [PassagePlace(one.interview.id, one.first_segment, one.last_segment) for one in answer.results]


def get_run(services: Services, run_id: str) -> RunView:
    """Return one run. Raises NotFound `unknown_run`."""
    with services.database.read() as session:
        row = session.get(QualityRun, run_id)
        if row is None:
            raise NotFound("unknown_run", "There is no such run.")
        return _run_view(row, _queries(session))


def list_runs(services: Services) -> list[RunView]:
    """Return the latest runs, newest first."""
    with services.database.read() as session:
        queries = _queries(session)
        return [_run_view(row, queries) for row in _latest(session)]


def get_question(services: Services, question_id: str) -> QuestionView:
    """Return one question as `list_questions` does. Raises NotFound `unknown_question`."""
    found = next((one for one in list_questions(services) if one.id == question_id), None)
    if found is None:
        raise NotFound("unknown_question", "There is no such question.")
    return found


def list_questions(services: Services) -> list[QuestionView]:
    """Return all questions in order, with their moments and how the last two runs found them."""
    with services.database.read() as session:
        moments: dict[str, list[MomentView]] = defaultdict(list)
        rows = session.exec(
            select(ExpectedMoment, Interview.title)
            .join(Interview, col(Interview.id) == col(ExpectedMoment.interview_id))
            .order_by(col(ExpectedMoment.id))
        )
        for one, title in rows:
            view = MomentView(one.id, one.interview_id, title, one.first_segment, one.last_segment)
            moments[one.question_id].append(view)
        runs = _latest(session)
        questions = []
        for question in session.exec(_in_order()):
            known = [Quality(*one.scores[question.id]) for one in runs if question.id in one.scores]
            latest, before = (*known[:2], None, None)[:2]
            of_question = tuple(moments[question.id])
            questions.append(
                QuestionView(question.id, question.query, question.created_at, of_question, latest, before)
            )
        return questions


def _add_moment(session: Session, question_id: str, place: PassagePlace) -> str | None:
    """Return the id of the new moment; None where this one is expected already."""
    last = session.exec(
        select(Segment.ordinal).where(Segment.interview_id == place.interview_id).order_by(col(Segment.ordinal).desc())
    ).first()
    if last is None or not 0 <= place.first_segment <= place.last_segment <= last:
        raise InvalidInput(
            "unknown_segments", f"The interview has no segments {place.first_segment} to {place.last_segment}."
        )
    same = select(ExpectedMoment).where(
        ExpectedMoment.question_id == question_id,
        ExpectedMoment.interview_id == place.interview_id,
        ExpectedMoment.first_segment == place.first_segment,
        ExpectedMoment.last_segment == place.last_segment,
    )
    if session.exec(same).first() is not None:
        return None
    moment = ExpectedMoment(
        id=new_id("exm"),
        question_id=question_id,
        interview_id=place.interview_id,
        first_segment=place.first_segment,
        last_segment=place.last_segment,
    )
    session.add(moment)
    session.flush()
    return moment.id


def _in_order() -> Any:
    return select(QualityQuestion).order_by(col(QualityQuestion.created_at), col(QualityQuestion.id))


def _latest(session: Session) -> list[QualityRun]:
    newest = select(QualityRun).order_by(col(QualityRun.at).desc(), col(QualityRun.id).desc())
    return list(session.exec(newest.limit(MOST_RUNS_SHOWN)))


def _queries(session: Session) -> dict[str, str]:
    return {question.id: question.query for question in session.exec(_in_order())}


def _run_view(row: QualityRun, queries: Mapping[str, str]) -> RunView:
    """`queries` are of the questions that are left, in their order."""
    in_order = [*(one for one in queries if one in row.scores), *(one for one in row.scores if one not in queries)]
    scored = tuple(ScoredQuestion(one, queries.get(one), Quality(*row.scores[one])) for one in in_order)
    quality = Quality(row.recall, row.ndcg, mean_of([one.quality for one in scored]).mrr)
    return RunView(row.id, row.at, row.model, len(row.scores), quality, scored)


def _words_of(services: Services, interview_ids: set[str]) -> dict[str, list[int]]:
    words: dict[str, list[int]] = defaultdict(list)
    with services.database.read() as session:
        rows = session.exec(
            select(Segment.interview_id, Segment.text)
            .where(col(Segment.interview_id).in_(interview_ids))
            .order_by(col(Segment.interview_id), col(Segment.ordinal))
        )
        for interview_id, text in rows:
            words[interview_id].append(count_words(text))
    return words


def _record(services: Services, session: Session, actor: str, action: str, subject_id: str, **detail: str) -> None:
    record_event(
        session,
        at=services.clock.now(),
        actor=actor,
        action=action,
        subject_type=action.split(".", maxsplit=1)[0],
        subject_id=subject_id,
        detail=detail,
    )
