"""GET /api/v1/answers: what people say to a question, counted, each with the moment where they say it."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from app.access.permissions import Permission
from app.access.principals import Principal
from app.answers import Answer
from app.api.dependencies import Reader, ServicesDep
from app.services import Services
from app.voices import find_voices
from search.schemas import FilteredQuery, FoundInterviewOut
from search.values import SearchRequest

router = APIRouter(prefix="/api/v1", tags=["search"])


class QuoteOut(BaseModel):
    """What one person says, as they said it."""

    model_config = ConfigDict(from_attributes=True)

    number: int = Field(description="Counted from 1 over the whole answer: what `citations` name.")
    text: str
    speaker: str | None
    contact: str | None = Field(description="Id of the contact who says it; null where nobody linked them, or hidden.")
    account: str | None = Field(description="Id of their account.")
    account_name: str | None
    interview: FoundInterviewOut
    segment: int = Field(description="Where the sentence begins, counted from 0.")
    start_ms: int | None
    end_ms: int | None
    link: str = Field(description="The page where it is heard, below the address of this Earshot.")


class CountedSideOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    people: int
    accounts: int = Field(description="Of those people whose account is known.")
    quotes: list[QuoteOut] = Field(description="One of each person, nearest to the question first.")


class CountedPointOut(BaseModel):
    """Something that is said. Nobody is counted on both sides."""

    model_config = ConfigDict(from_attributes=True)

    statement: str = Field(description="The sentence that stands for it, as somebody said it.")
    sentence: str = Field(description='"7 people in 5 accounts say this, 2 say otherwise".')
    say_so: CountedSideOut
    otherwise: CountedSideOut = Field(
        description="Who contradicts it. Claimed where a negation or opposite words make it clear, and not otherwise."
    )


class EvidenceReasonOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    code: Literal["nothing_found", "nobody_answers", "not_spoken_about"]
    message: str


class PhrasedSentenceOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    text: str
    citations: list[int] = Field(description="Numbers of the quotes that support it.")


class PhrasingOut(BaseModel):
    """What a language model made of the quotes, each sentence held against those it cites."""

    model_config = ConfigDict(from_attributes=True)

    status: Literal["off", "phrased", "failed", "unsupported"] = Field(
        description="`off`: none is configured; `failed`: it gave no usable answer; `unsupported`: its quotes do not "
        "support a sentence of it. The quotes stand in any case."
    )
    message: str | None
    model: str | None
    sentences: list[PhrasedSentenceOut]


class AnswerOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    query: str
    status: Literal["answered", "not_enough_evidence"]
    reason: EvidenceReasonOut | None = Field(description="Why there is not enough evidence.")
    people: int = Field(description="Who are quoted, each once.")
    accounts: int | None = Field(description="Of these people; null for a caller from whom contacts are hidden.")
    points: list[CountedPointOut] = Field(description="Up to eight, that of most people first.")
    moments_read: int
    sentences_read: int
    phrasing: PhrasingOut
    took_ms: float


@router.get("/answers")
def answers(query: Annotated[FilteredQuery, Query()], services: ServicesDep, user: Reader) -> AnswerOut:
    """Count who says what: sentences of the best moments, grouped by meaning, each with who says it and where.

    A person is a contact where somebody linked them or their address is on file, else a speaker of one interview. What
    interviewers and moderators say is left out. Where nobody speaks about the question, the answer is
    `not_enough_evidence`, and says why.
    """
    return AnswerOut.model_validate(answer_to(services, user, query))


def answer_to(services: Services, user: Principal, query: FilteredQuery) -> Answer:
    """Return the answer as `user` may read it. Raises as `SearchService.search` and `find_voices`."""
    zone = ZoneInfo(services.settings.timezone)
    voices = find_voices(services, user, query.contact, query.account)
    request = SearchRequest(query.q, query.mode, filters=query.filters(zone, voices), viewer=user.viewer, zone=zone)
    shows_contacts = user.may(Permission.CONTACTS_READ) and not user.hides_contacts
    return services.answers.answer(request, shows_contacts=shows_contacts)
