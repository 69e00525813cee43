"""What GET /api/v1/search takes and answers, as the OpenAPI description shows it."""

from datetime import date, datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from core.visibility import Viewer
from search.values import MAX_QUERY_CHARACTERS, MAX_RESULTS, Kind, Mode, SearchFilters, SearchRequest, SimilarRequest


class FilteredQuery(BaseModel):
    """An unknown parameter is refused: a misspelt filter must not look like a result."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    q: str = Field(
        description='What to look for, in any words. `"quoted words"` must be there as they are, `-word` and '
        '`-"a phrase"` must not, `integrat*` is any word that begins so. `speaker:`, `project:`, `team:`, `tag:`, '
        "`before:` and `after:` (a day, a month or a year) narrow as the parameters do."
    )
    mode: Mode = Field(default="hybrid", description="By words and meaning together, by meaning, or by words.")
    project: str | None = Field(default=None, description="Id of a project.")
    team: str | None = Field(default=None, description="Id of a team.")
    speaker: str | None = Field(default=None, description="Somebody who speaks in the moment itself.")
    tag: str | None = None
    from_: AwareDatetime | date | None = Field(
        default=None, alias="from", description="Recorded then or later: an instant, or a day in the workspace's zone."
    )
    to: AwareDatetime | date | None = Field(default=None, description="Recorded then or earlier; a day counts whole.")
    language: str | None = Field(default=None, description="ISO 639-1 code of the interview's language.")
    kind: Kind | None = Field(
        default=None, description="`recording`: there is sound; `transcript`: the text was given."
    )
    contact: str | None = Field(default=None, description="Id of a contact who speaks in the moment itself.")
    account: str | None = Field(default=None, description="Id of a customer one of whose contacts speaks in it.")

    def filters(self, zone: ZoneInfo, voices: frozenset[tuple[str, str]] | None) -> SearchFilters:
        """Return what every moment must meet; days are days of `zone`, `voices` who `contact` and `account` are."""
        return SearchFilters(
            project=self.project or None,
            team=self.team or None,
            speaker=self.speaker or None,
            tag=self.tag or None,
            from_at=_first_instant(self.from_, zone),
            to_at=_last_instant(self.to, zone),
            language=self.language or None,
            kind=self.kind,
            voices=voices,
        )


class SearchQuery(FilteredQuery):
    limit: int = Field(default=10, ge=1, le=MAX_RESULTS)
    facets: bool = Field(default=False, description="Count the interviews that each further filter would leave.")
    group: Literal["interview"] | None = Field(
        default=None, description="`interview`: `limit` interviews with up to three moments each."
    )
    sentences: bool = Field(
        default=False,
        description="Mark the nearest sentence in moments in which no word could be marked; several times slower.",
    )

    def request(self, zone: ZoneInfo, viewer: Viewer, voices: frozenset[tuple[str, str]] | None) -> SearchRequest:
        """Return the question for the service; days are days of `zone`, `voices` who `contact` and `account` are."""
        filters = self.filters(zone, voices)
        return SearchRequest(
            self.q,
            self.mode,
            self.limit,
            filters,
            viewer,
            zone,
            is_grouped=self.group == "interview",
            with_facets=self.facets,
            with_sentences=self.sentences,
        )


class SimilarQuery(BaseModel):
    """Which moment others shall be like."""

    model_config = ConfigDict(extra="forbid")

    interview: str = Field(description="Id of the interview.")
    first_segment: int = Field(ge=0, description="First segment of the moment, counted from 0.")
    last_segment: int = Field(ge=0, description="Last segment of the moment, inclusive.")
    limit: int = Field(default=10, ge=1, le=MAX_RESULTS)
    sentences: bool = Field(default=False, description="Mark in each the sentence nearest to it; several times slower.")

    def request(self, viewer: Viewer) -> SimilarRequest:
        """Return the question for the service."""
        return SimilarRequest(
            self.interview, self.first_segment, self.last_segment, self.limit, viewer, with_sentences=self.sentences
        )


class SuggestionQuery(BaseModel):
    """What has been typed so far."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field(max_length=MAX_QUERY_CHARACTERS)
    limit: int = Field(default=10, ge=1, le=MAX_RESULTS)


_DAY_S_END = time(23, 59, 59, 999_000, fold=1)  # the later one where a day ends twice


def _first_instant(moment: datetime | date | None, zone: ZoneInfo) -> datetime | None:
    if moment is None or isinstance(moment, datetime):
        return moment
    return datetime.combine(moment, time.min, zone)


def _last_instant(moment: datetime | date | None, zone: ZoneInfo) -> datetime | None:
    if moment is None or isinstance(moment, datetime):
        return moment
    return datetime.combine(moment, _DAY_S_END, zone)


class FoundInterviewOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    external_id: str | None
    title: str
    recorded_at: datetime | None
    project: str | None = Field(description="The project's id.")


class SpeakerShareOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    speaker: str
    share: float = Field(description="Of all words said in the moment, 0 to 1.")


class PlaceOut(BaseModel):
    """Where a moment is opened: the segment that says what was asked for."""

    model_config = ConfigDict(from_attributes=True)

    segment: int = Field(description="From which most of what was asked for is said together, or else the first.")
    start_ms: int | None = Field(description="When it begins; null where the transcript has no times.")
    offset: int = Field(description="Where it begins in `text`, in characters.")


class SearchResultOut(BaseModel):
    """One moment of an interview."""

    model_config = ConfigDict(from_attributes=True)

    interview: FoundInterviewOut
    first_segment: int = Field(description="First segment of the moment, counted from 0.")
    last_segment: int = Field(description="Last segment of the moment, inclusive.")
    start_ms: int | None = Field(description="Milliseconds from the start; null where the transcript has no times.")
    end_ms: int | None
    speakers: list[str] = Field(description="Who speaks in the moment, by first appearance.")
    text: str = Field(description="What is said, at most 400 words.")
    highlights: list[tuple[int, int]] = Field(
        description="[from, to) character offsets into `text` of the words that were asked for."
    )
    found: PlaceOut
    score: float = Field(description="Falls from result to result; comparable within one answer only.")
    speaker_shares: list[SpeakerShareOut] = Field(description="Who says most of it first; unnamed speakers left out.")
    sentence: tuple[int, int] | None = Field(
        description="[from, to) of the sentence nearest to what was asked, if no word is marked; only with `sentences`."
    )


class GroupOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    interview: FoundInterviewOut
    results: list[SearchResultOut] = Field(description="Its best moments, best first.")


class FacetValueOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    value: str = Field(description="What the parameter of this name takes; of `year`, a year.")
    count: int = Field(description="Interviews that are found with this value in place of the one asked for.")


class FacetsOut(BaseModel):
    """Up to 100 values of each kind, those of most interviews first."""

    model_config = ConfigDict(from_attributes=True)

    project: list[FacetValueOut]
    speaker: list[FacetValueOut]
    tag: list[FacetValueOut]
    team: list[FacetValueOut]
    language: list[FacetValueOut]
    kind: list[FacetValueOut]
    year: list[FacetValueOut]


class CorrectionOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    typed: str = Field(description="A word that stands nowhere.")
    used: list[str] = Field(description="The words that were looked for instead.")


class SearchAnswerOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    query: str
    mode: Mode
    took_ms: float
    results: list[SearchResultOut] = Field(description="Best first; grouped, the best moment of each interview.")
    corrections: list[CorrectionOut]
    groups: list[GroupOut] | None = Field(description="Null unless `group=interview`.")
    facets: FacetsOut | None = Field(description="Null unless `facets=true`.")


class SimilarOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    results: list[SearchResultOut]


class SuggestionOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    kind: Literal["word", "phrase", "speaker", "tag", "project"]
    text: str
    query: str = Field(description="What to ask when it is chosen.")


class SuggestionsOut(BaseModel):
    suggestions: list[SuggestionOut]
