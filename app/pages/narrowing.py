"""The further filters beside an answer: each value with the number of interviews it leaves, as a link."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from app.pages.languages import language_name
from app.pages.questions import Question
from search.values import FacetValue

MOST_SHOWN = 8  # of a kind; the values of fewer interviews can be typed

_WORDS = {
    "project": "Project",
    "speaker": "Speaker",
    "tag": "Tag",
    "team": "Team",
    "language": "Language",
    "kind": "Kind",
    "year": "Year",
}
_KINDS = {"recording": "with sound", "transcript": "text only"}


@dataclass(frozen=True, slots=True)
class FacetLink:
    """`address` is the question with this value, or without it where it is chosen."""

    word: str
    count: int
    address: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Narrowing:
    word: str
    values: list[FacetLink]


def narrowings(
    question: Question, facets: Mapping[str, tuple[FacetValue, ...]], names: Mapping[str, Mapping[str, str]]
) -> list[Narrowing]:
    """Return the kinds that there is a choice in; `names` gives the names of ids of a kind."""
    shown = []
    for kind, values in facets.items():
        links = [_link(question, kind, value, names) for value in values[:MOST_SHOWN]]
        if len(links) > 1 or any(link.is_chosen for link in links):
            shown.append(Narrowing(_WORDS[kind], links))
    return shown


def _link(question: Question, kind: str, found: FacetValue, names: Mapping[str, Mapping[str, str]]) -> FacetLink:
    value = found.value
    if kind == "year":
        span = {"from_day": f"{value}-01-01", "to_day": f"{value}-12-31"}
    else:
        span = {kind: value}
    is_chosen = all(getattr(question, name) == wanted for name, wanted in span.items())
    chosen = replace(question, **(dict.fromkeys(span, "") if is_chosen else span))  # type: ignore[arg-type]
    say: Callable[[str], str] = {"language": language_name, "kind": _KINDS.__getitem__}.get(
        kind, lambda value: names.get(kind, {}).get(value, value)
    )
    return FacetLink(say(value), found.count, chosen.address(), is_chosen)
