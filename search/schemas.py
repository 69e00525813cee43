"""What GET /api/v1/search takes and answers, as the OpenAPI description shows it."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from core.visibility import Viewer
from search.values import MAX_RESULTS, Kind, Mode, SearchFilters, SearchRequest


class SearchQuery(BaseModel):
    """An unknown parameter is refused: a misspelt filter must not look like a result."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    q: str = Field(description='What to look for, in any words; `"quoted words"` must be there as they are.')
    mode: Mode = Field(default="hybrid", description="By words and meaning together, by meaning, or by words.")
    limit: int = Field(default=10, ge=1, le=MAX_RESULTS)
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

    def request(self, zone: ZoneInfo, viewer: Viewer) -> SearchRequest:
        """Return the question for the service; days are days of `zone`."""
        filters = SearchFilters(
            project=self.project or None,
            team=self.team or None,
            speaker=self.speaker or None,
            tag=self.tag or None,
            from_at=_first_instant(self.from_, zone),
            to_at=_last_instant(self.to, zone),
            language=self.language or None,
            kind=self.kind,
        )
        return SearchRequest(self.q, self.mode, self.limit, filters, viewer)


def _first_instant(moment: datetime | date | None, zone: ZoneInfo) -> datetime | None:
    if moment is None or isinstance(moment, datetime):
        return moment
    return datetime.combine(moment, time.min, zone)


def _last_instant(moment: datetime | date | None, zone: ZoneInfo) -> datetime | None:
    if moment is None or isinstance(moment, datetime):
        return moment
    return datetime.combine(moment + timedelta(days=1), time.min, zone) - timedelta(milliseconds=1)


class FoundInterviewOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    external_id: str | None
    title: str
    recorded_at: datetime | None
    project: str | None = Field(description="The project's id.")


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
    score: float = Field(description="Falls from result to result; comparable within one answer only.")


class SearchAnswerOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    query: str
    mode: Mode
    took_ms: float
    results: list[SearchResultOut]
