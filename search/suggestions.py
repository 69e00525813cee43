"""How a query that is being typed may go on: names, projects, tags, sayings and words of what the viewer sees.

In: the beginning of a query. Out: whole queries, the likeliest first. `finding` calls it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from core.directory import list_projects
from search import findable
from search.masks import Looking
from search.values import Suggestion
from search.word_matching import completed_words
from search.words import fold, is_telling

_LEAST_TYPED = 2  # characters: one letter begins too much
_OF_EACH = 5  # words and sayings; names, tags and projects are few


def suggest(looking: Looking, beginning: str) -> Iterator[Suggestion]:
    """Yield suggestions, each once; none for less than two characters."""
    typed = " ".join(beginning.split()) + (" " if beginning.endswith(" ") else "")
    if len(fold(typed.strip())) < _LEAST_TYPED:
        return
    seen: set[str] = set()
    for suggestion in (*_names(looking, fold(typed).strip()), *_texts(looking, typed)):
        if suggestion.query not in seen:
            seen.add(suggestion.query)
            yield suggestion


def _names(looking: Looking, typed: str) -> Iterator[Suggestion]:
    for name in _beginning(looking.corpus.speakers, typed):
        yield Suggestion("speaker", name, f'speaker:"{name}"')
    for project in list_projects(looking.session, looking.viewer):
        if _begins(project.name, typed):
            yield Suggestion("project", project.name, f"project:{project.id}")
    facts = findable.interview_facts(looking.session, looking.viewer)
    tags = Counter(
        tag for interview in looking.corpus.interviews if interview in facts for tag in facts[interview].tags
    )
    for tag, _ in sorted(tags.items(), key=lambda item: (-item[1], item[0])):
        if _begins(tag, typed):
            yield Suggestion("tag", tag, f'tag:"{tag}"')


def _texts(looking: Looking, typed: str) -> Iterator[Suggestion]:
    """Yield sayings and words that complete the end of what was typed, keeping what stands before."""
    before, _, last = typed.rpartition(" ")
    *further, word_before = before.split(" ")
    if word_before:
        lead = " ".join(further)
        pair = fold(f"{word_before} {last}")
        for saying in completed_words(looking.corpus, pair, sayings=True)[:_OF_EACH]:
            yield Suggestion("phrase", saying, f"{lead} {saying}".strip())
    if len(last) >= _LEAST_TYPED:
        for saying in completed_words(looking.corpus, fold(last), sayings=True)[:_OF_EACH]:
            yield Suggestion("phrase", saying, f"{before} {saying}".strip())
        words = [word for word in completed_words(looking.corpus, fold(last)) if is_telling(word)]
        for word in words[:_OF_EACH]:
            yield Suggestion("word", word, f"{before} {word}".strip())


def _beginning(names: Iterable[str], typed: str) -> list[str]:
    by_fold = {fold(name): name for name in sorted(names, reverse=True)}
    return sorted(name for name in by_fold.values() if _begins(name, typed))


def _begins(name: str, typed: str) -> bool:
    """Return whether the name, or one of its words, begins so."""
    folded = fold(name)
    return folded.startswith(typed) or f" {typed}" in folded
