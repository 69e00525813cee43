"""What the address of the search page says, so that a question can be sent to anybody."""

from dataclasses import asdict, dataclass
from typing import Annotated, get_args
from urllib.parse import urlencode

from fastapi import Depends, Query

from search.values import MAX_RESULTS, Kind, Mode


@dataclass(frozen=True, slots=True)
class Question:
    """Every field is "" where nothing was asked."""

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
    kind: str = ""
    group: str = ""

    def address(self) -> str:
        """Return the page's address with this question, defaults left out."""
        names = {"from_day": "from", "to_day": "to"}
        defaults = asdict(Question())
        asked = {names.get(key, key): value for key, value in asdict(self).items() if value != defaults[key]}
        return "/?" + urlencode(asked) if asked else "/"


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
    kind: str = "",
    group: str = "",
) -> Question:
    """Read the question from the address; an unknown mode, kind or grouping is the default one."""
    known_mode = mode if mode in get_args(Mode) else "hybrid"
    return Question(
        q=q.strip(),
        mode=known_mode,
        limit=limit,
        project=project.strip(),
        team=team.strip(),
        speaker=speaker.strip(),
        tag=tag.strip(),
        from_day=from_day.strip(),
        to_day=to_day.strip(),
        language=language.strip(),
        kind=kind if kind in get_args(Kind) else "",
        group="interview" if group == "interview" else "",
    )


QuestionDep = Annotated[Question, Depends(question_of)]
