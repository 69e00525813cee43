"""Search quality for programs: the questions with the moments they should find, and the runs that measure the search.

What the page /search-quality does, by the same functions (`app/search_quality.py`).
"""

from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app import search_quality
from app.api.dependencies import Administrator, GivenId, ServicesDep
from app.api.repeats import IdempotencyKey, fingerprint_of, once
from search.values import MAX_QUERY_CHARACTERS, PassagePlace

router = APIRouter(prefix="/api/v1/search-quality", tags=["search"])

MOST_MOMENTS = 50  # of one request

_Query = Annotated[str, StringConstraints(min_length=1, max_length=MAX_QUERY_CHARACTERS)]


class ExpectedMomentIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    interview: GivenId
    first_segment: int = Field(ge=0, le=2**31 - 1, description="From 0.")
    last_segment: int = Field(ge=0, le=2**31 - 1, description="It belongs to the moment.")


class QualityQuestionIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    query: _Query = Field(description="As people would ask.")
    moments: list[ExpectedMomentIn] = Field(min_length=1, max_length=MOST_MOMENTS, description="What it ought to find.")


class QualityOut(BaseModel):
    """All 0 … 1, of the first ten results or 2,000 words, whichever is less; of a run the mean over its questions."""

    model_config = ConfigDict(from_attributes=True)

    recall: float = Field(description="Expected words among the results, of all expected ones (recall@10).")
    ndcg: float = Field(description="The same, worth less the later they come (nDCG@10).")
    mrr: float | None = Field(
        description="1 / rank of the first result with an expected word, 0 without one; null in runs from before."
    )


class ExpectedMomentOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    interview: str = Field(validation_alias="interview_id")
    title: str = Field(description="Of the interview.")
    first_segment: int
    last_segment: int


class QualityQuestionOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    query: str
    created_at: datetime
    moments: list[ExpectedMomentOut] = Field(description="Empty: the interviews are gone, and it is not asked.")
    latest: QualityOut | None = Field(description="Of the last run that asked it.")
    before: QualityOut | None = Field(description="Of the one before.")


class QualityQuestionList(BaseModel):
    items: list[QualityQuestionOut]


class QualityRunOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    at: datetime
    model: str = Field(description="That answered.")
    questions: int
    figures: QualityOut = Field(validation_alias="quality")


class QualityRunList(BaseModel):
    items: list[QualityRunOut]


class ScoredQuestionOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    question: str = Field(validation_alias="question_id")
    query: str | None = Field(description="Null: the question was deleted since.")
    figures: QualityOut = Field(validation_alias="quality")


class QualityRunWithQuestionsOut(QualityRunOut):
    per_question: list[ScoredQuestionOut] = Field(validation_alias="scored")


@router.get("/questions")
def list_questions(services: ServicesDep, _: Administrator) -> QualityQuestionList:
    """List the questions in the order in which they were added, each with how the last two runs answered it."""
    return QualityQuestionList.model_validate({"items": search_quality.list_questions(services)})


@router.post("/questions", status_code=201)
def add_question(
    body: QualityQuestionIn, services: ServicesDep, user: Administrator, idempotency_key: IdempotencyKey = None
) -> QualityQuestionOut:
    """Note which moments a question ought to find. A question that is kept already gets further moments."""
    places = [PassagePlace(one.interview, one.first_segment, one.last_segment) for one in body.moments]

    def create() -> search_quality.QuestionView:
        question_id = search_quality.expect(services, user.id, user.viewer, body.query, *places)
        return search_quality.get_question(services, question_id)

    question, _ = once(
        services,
        user.id,
        idempotency_key,
        fingerprint_of("quality-question", body.model_dump_json()),
        status=201,
        create=create,
        read=partial(search_quality.get_question, services),
    )
    return QualityQuestionOut.model_validate(question)


@router.delete("/questions/{question_id}", status_code=204)
def delete_question(question_id: str, services: ServicesDep, user: Administrator) -> None:
    """Forget a question with its moments; runs keep its figures."""
    search_quality.remove_question(services, user.id, question_id)


@router.delete("/moments/{moment_id}", status_code=204)
def delete_moment(moment_id: str, services: ServicesDep, user: Administrator) -> None:
    """Expect a moment no longer; its question stays."""
    search_quality.remove_moment(services, user.id, moment_id)


@router.post("/runs", status_code=201)
def run(
    services: ServicesDep, user: Administrator, idempotency_key: IdempotencyKey = None
) -> QualityRunWithQuestionsOut:
    """Ask every question of which a moment can be found now, and keep how well the search answered."""
    done, _ = once(
        services,
        user.id,
        idempotency_key,
        fingerprint_of("quality-run"),
        status=201,
        create=lambda: search_quality.run(services, user.id, user.viewer),
        read=partial(search_quality.get_run, services),
    )
    return QualityRunWithQuestionsOut.model_validate(done)


@router.get("/runs")
def list_runs(services: ServicesDep, _: Administrator) -> QualityRunList:
    """List the latest runs, newest first."""
    return QualityRunList.model_validate({"items": search_quality.list_runs(services)})


@router.get("/runs/{run_id}")
def get_run(run_id: str, services: ServicesDep, _: Administrator) -> QualityRunWithQuestionsOut:
    """Return a run with the figures of each question."""
    return QualityRunWithQuestionsOut.model_validate(search_quality.get_run(services, run_id))
