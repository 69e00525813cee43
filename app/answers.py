"""Answers a question with people counted: who says what, how many of them, in how many accounts, and who otherwise.

`search` finds what is said and groups it; only the roof knows who a speaker is. A person is a contact where a link or
an address says which, else an address, else the label of a speaker in one interview; an account is their contact's.
"""

import time
from dataclasses import dataclass, field, replace
from typing import Literal

from app.participation import ParticipationService
from contact_registry.schemas_people import ContactOut
from contact_registry.service import RegistryService
from core.errors import Gone, NotFound, Unavailable
from search.answering import Point, Said, Side, count_sides, counted_sentence, find_points
from search.evidence import NEAR, Evidence, Statement
from search.marking import Spoken
from search.phrasing import MOST_QUOTES, PhrasedSentence, Writer, supported_sentences
from search.service import SearchService
from search.values import FoundInterview, SearchRequest

MOST_POINTS = 8


@dataclass(frozen=True, slots=True)
class Quote:
    """`number` counts from 1 over the whole answer. `segment` is where the sentence begins."""

    number: int
    text: str
    speaker: str | None
    contact: str | None
    account: str | None
    account_name: str | None
    interview: FoundInterview
    segment: int
    start_ms: int | None
    end_ms: int | None

    @property
    def link(self) -> str:
        at = "" if self.start_ms is None else f"?t={self.start_ms}"
        return f"/interviews/{self.interview.id}{at}#segment-{self.segment}"


@dataclass(frozen=True, slots=True)
class CountedSide:
    """One quote of each person."""

    people: int
    accounts: int
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class CountedPoint:
    statement: str
    sentence: str  # "7 people in 5 accounts say this, 2 say otherwise"
    say_so: CountedSide
    otherwise: CountedSide


@dataclass(frozen=True, slots=True)
class Reason:
    """Why there is not enough evidence."""

    code: Literal["nothing_found", "nobody_answers", "not_spoken_about"]
    message: str


@dataclass(frozen=True, slots=True)
class Phrasing:
    """What became of the language model: `off` where none is configured."""

    status: Literal["off", "phrased", "failed", "unsupported"] = "off"
    message: str | None = None
    model: str | None = None
    sentences: tuple[PhrasedSentence, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """`people` and `accounts` are of the whole answer; `accounts` is None for whom contacts are hidden from."""

    query: str
    status: Literal["answered", "not_enough_evidence"]
    reason: Reason | None
    people: int
    accounts: int | None
    points: tuple[CountedPoint, ...]
    moments_read: int
    sentences_read: int
    phrasing: Phrasing = field(default_factory=Phrasing)
    took_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class _Person:
    key: str
    contact: ContactOut | None = None


class AnswerService:
    """`writer` is None where no language model is configured: then answers are quotes alone."""

    def __init__(
        self,
        search: SearchService,
        participation: ParticipationService,
        registry: RegistryService,
        writer: Writer | None = None,
    ) -> None:
        self._search = search
        self._participation = participation
        self._registry = registry
        self._writer = writer

    def answer(self, request: SearchRequest, *, shows_contacts: bool) -> Answer:
        """Return what people say, as `request.viewer` may read it. Raises as `SearchService.search`."""
        started = time.perf_counter()
        evidence = self._search.gather(request)
        answer = self._counted(request.query.strip(), evidence, shows_contacts)
        if answer.points:
            answer = replace(answer, phrasing=self._phrased(answer, _sendable(answer, evidence)))
        return replace(answer, took_ms=round((time.perf_counter() - started) * 1000, 1))

    def _counted(self, query: str, evidence: Evidence, shows_contacts: bool) -> Answer:
        reason = _why_not(evidence)
        if reason is not None:
            status: Literal["answered", "not_enough_evidence"] = "not_enough_evidence"
            none = None if not shows_contacts else 0
            return Answer(query, status, reason, 0, none, (), evidence.moments, evidence.sentences)
        people = self._people(evidence.statements, shows_contacts)
        said = [
            Said(person.key, person.contact.account if person.contact else None, one.text, one.relevance)
            for one, person in zip(evidence.statements, people, strict=True)
        ]
        near = {place for place, one in enumerate(evidence.statements) if one.is_near}
        points = find_points(said, evidence.likeness)
        found = [one for one in points if near.intersection((*one.say_so.places, *one.otherwise.places))][:MOST_POINTS]
        numbers: dict[int, int] = {}
        for point in found:
            for place in (*point.say_so.places, *point.otherwise.places):
                numbers[place] = len(numbers) + 1
        quotes = {place: _quote(number, evidence.statements[place], people[place]) for place, number in numbers.items()}
        whole = count_sides(said, list(numbers))
        return Answer(
            query,
            "answered",
            None,
            whole.people,
            whole.accounts if shows_contacts else None,
            tuple(_counted_point(point, said, quotes) for point in found),
            evidence.moments,
            evidence.sentences,
        )

    def _people(self, statements: tuple[Statement, ...], shows_contacts: bool) -> list[_Person]:
        """Return who says each statement."""
        known: dict[tuple[str, str | None], _Person] = {}
        for interview_id in dict.fromkeys(one.interview.id for one in statements):
            speaking = self._participation.contacts_of(interview_id)
            for speaker in {one.speaker for one in statements if one.interview.id == interview_id}:
                contact, address = speaking.get(speaker or "", (None, None))
                known[interview_id, speaker] = _Person(f"speaker:{interview_id}:{speaker or ''}")
                if address:
                    known[interview_id, speaker] = _Person(f"address:{address}")
                on_file = self._on_file(contact) if contact and shows_contacts else None
                if on_file is not None:
                    known[interview_id, speaker] = _Person(f"contact:{on_file.id}", on_file)
        return [known[one.interview.id, one.speaker] for one in statements]

    def _on_file(self, contact_id: str) -> ContactOut | None:
        try:
            return self._registry.get_contact(contact_id)
        except (NotFound, Gone):
            return None

    def _phrased(self, answer: Answer, quotes: dict[int, Spoken]) -> Phrasing:
        if self._writer is None:
            return Phrasing()
        if not quotes:
            message = "Nothing was phrased: none of these interviews may be shared outside."
            return Phrasing("failed", message, self._writer.name)
        try:
            text = self._writer.write(answer.query, [quote.text for quote in quotes.values()])
        except Unavailable:
            return Phrasing(
                "failed", "The language model gave no usable answer: these are the quotes.", self._writer.name
            )
        sent = list(quotes)
        sentences = tuple(
            replace(one, citations=tuple(sent[number - 1] for number in one.citations))
            for one in supported_sentences(text, list(quotes.values()), self._search.likeness)
        )
        if not sentences:
            message = "Nothing that the language model wrote is supported by the quotes it cites: these are the quotes."
            return Phrasing("unsupported", message, self._writer.name)
        return Phrasing("phrased", None, self._writer.name, sentences)


def _why_not(evidence: Evidence) -> Reason | None:
    if evidence.statements:
        return None
    if not evidence.moments:
        return Reason("nothing_found", "No moment was found.")
    if not evidence.sentences:
        return Reason("nobody_answers", "In the moments found only interviewers speak, or only questions are asked.")
    return Reason(
        "not_spoken_about",
        f"Of the {evidence.sentences} sentences in the best moments, the one nearest to the "
        f"question reaches {max(0.0, evidence.closest):.2f}, and {NEAR:.2f} is needed (1 would be the same words).",
    )


def _sendable(answer: Answer, evidence: Evidence) -> dict[int, Spoken]:
    """Return by number the quotes that may leave this server: not those whose interview may not be shared outside."""
    language_of = {one.interview.id: one.language for one in evidence.statements if one.is_shareable}
    quotes = [quote for point in answer.points for side in (point.say_so, point.otherwise) for quote in side.quotes]
    return {
        quote.number: Spoken(quote.text, language_of[quote.interview.id])
        for quote in quotes
        if quote.interview.id in language_of and quote.number <= MOST_QUOTES
    }


def _counted_point(point: Point, said: list[Said], quotes: dict[int, Quote]) -> CountedPoint:
    return CountedPoint(
        said[point.lead].text,
        counted_sentence(point.say_so, point.otherwise),
        _counted_side(point.say_so, quotes),
        _counted_side(point.otherwise, quotes),
    )


def _counted_side(side: Side, quotes: dict[int, Quote]) -> CountedSide:
    return CountedSide(side.people, side.accounts, tuple(quotes[place] for place in side.places))


def _quote(number: int, said: Statement, person: _Person) -> Quote:
    contact = person.contact
    return Quote(
        number=number,
        text=said.text,
        speaker=said.speaker,
        contact=contact.id if contact else None,
        account=contact.account if contact else None,
        account_name=contact.account_name if contact else None,
        interview=said.interview,
        segment=said.segment,
        start_ms=said.start_ms,
        end_ms=said.end_ms,
    )
