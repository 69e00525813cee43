"""What a language model wrote, held against the quotes it cites."""

from collections.abc import Sequence

import numpy as np

from search.evidence import Floats
from search.fakes import FakeEmbedder
from search.marking import Spoken
from search.phrasing import PhrasedSentence, supported_sentences

QUOTES = ["Four mails in one week, I nearly cancelled.", "The weekly mail is useful.", "The rota took us a whole day."]


def likeness(ones: Sequence[str], others: Sequence[str]) -> Floats:
    embedder = FakeEmbedder()
    return np.asarray(embedder.embed_passages(ones) @ embedder.embed_passages(others).T)


def spoken(quotes: Sequence[str], language: str = "en") -> list[Spoken]:
    return [Spoken(quote, language) for quote in quotes]


def kept(text: str) -> list[tuple[str, tuple[int, ...]]]:
    return [(one.text, one.citations) for one in supported_sentences(text, spoken(QUOTES), likeness)]


def test_a_sentence_that_its_quote_supports_stays_with_its_citation() -> None:
    assert kept("Somebody nearly cancelled after four mails in one week [1].") == [
        ("Somebody nearly cancelled after four mails in one week.", (1,))
    ]


def test_citations_may_stand_after_the_stop_and_lines_may_be_a_list() -> None:
    assert kept("- The weekly mail is useful. [2]\n2. The rota took a whole day [3]") == [
        ("The weekly mail is useful.", (2,)),
        ("The rota took a whole day", (3,)),
    ]


def test_a_sentence_without_a_citation_is_dropped() -> None:
    assert kept("The weekly mail is useful.") == []


def test_a_sentence_that_cites_a_quote_nobody_gave_is_dropped() -> None:
    assert kept("The weekly mail is useful [4]. The weekly mail is useful [2][0].") == []


def test_a_sentence_that_its_quote_does_not_support_is_dropped() -> None:
    assert kept("Customers love the new dashboard [2].") == []


def test_a_sentence_that_contradicts_its_quote_is_dropped() -> None:
    assert kept("The weekly mail is not useful [2].") == []


def test_numbers_and_quantities_that_no_cited_quote_has_are_dropped() -> None:
    assert kept("Most say the weekly mail is useful [2]. The weekly mail is useful to 80 of them [2].") == []


def test_citations_that_do_not_support_the_sentence_are_taken_off() -> None:
    assert supported_sentences("The weekly mail is useful [2][3].", spoken(QUOTES), likeness) == (
        PhrasedSentence("The weekly mail is useful.", (2,)),
    )


def test_words_are_held_against_a_quote_by_the_stems_of_its_language() -> None:
    quotes = ["Wir warteten lange auf die Rückmeldungen zu den Rechnungen.", "Es gab Kuchen."]
    sentence = "Die Rückmeldung zur Rechnung ließ warten [1]."

    def unlike(ones: Sequence[str], others: Sequence[str]) -> Floats:
        return np.zeros((len(ones), len(others)), dtype=np.float32)

    def cited(language: str) -> list[tuple[int, ...]]:
        return [one.citations for one in supported_sentences(sentence, spoken(quotes, language), unlike)]

    assert cited("de") == [(1,)]
    assert cited("en") == []
