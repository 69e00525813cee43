"""Quoted phrases in other languages than English: word for word but for case, accents and that language's endings."""

import pytest

from core.visibility import ALL_SEEING
from search import candidates, cell_block, phrase_places, ranking
from search.cells import SpokenSegment, cut_cells
from search.phrase_places import find_places
from search.sqlite_full_text import SqliteFullText
from search.tables import SearchState
from search.values import Mode, SearchRequest
from tests.search.factories import Workshop

FILLER = "und so weiter immer fort und fort an jedem Tag" * 4
PHRASES = [
    ("de", "Die wichtigen Rechnungen kommen spät.", "wichtige Rechnung"),
    ("de", "Wir gehen über die Straße zum Büro.", "uber die strasse"),
    ("de", "Wir gehen ueber die Strasse zum Büro.", "die Straße"),
    ("de", "Die Rech\u00adnung kommt.", "die Rechnung"),
    ("fr", "Ils sont payés par le cœur du métier.", "payée par le coeur"),
    ("es", "Cancelaron las suscripciones mañana.", "suscripción manana"),
    ("cs", "O nových smlouvách nevím.", "nova smlouva"),
    ("pl", "Był w Łodzi wczoraj.", "byl w lodzi"),
    ("da", "Vi spiser smørrebrød her.", "spiser smorrebrod"),
    ("ru", "Новые договоры пришли.", "новый договор"),
    ("ru", "Ещё раз о том же.", "еще раз"),
    ("el", "Η Αθήνα είναι εδώ.", "αθηνα ειναι"),
    ("ar", "مُحَمَّد يكتب الفاتورة", "محمد يكتب"),
    ("hi", "ग्राहकों की शिकायत", "ग्राहकों की"),
    ("ja", "毎月の請求書が届きません。", "毎月の請求書"),
    ("ja", "ＡＰＩの請求、毎月の 請求書です。", "月の請求書"),
    ("ja", "ｻｰﾊﾞｰの請求です。", "サーバーの請求"),
    ("zh", "我们在等 票据。", "在等票据"),
    ("ko", "청구서를 매달 보냈어요.", "청구서"),
    ("th", "ใบแจ้งหนี้มาช้าทุกเดือน", "ใบแจ้งหนี้"),
]
IN_ENGLISH = [
    ("We met Søren Kierkegaard there.", "soren kierkegaard"),
    ("We met Soren Kierkegaard there.", "Søren Kierkegaard"),
    ("The office is on Bahnhofstraße seven.", "bahnhofstrasse seven"),
    ("The office is on Bahnhofstrasse seven.", "Bahnhofstraße seven"),
    ("Ask Łukasz about invoices.", "lukasz about invoice"),
    ("It was her finest œuvre so far.", "oeuvre so far"),
    ("The cus\u00adtomer portal is down.", "customer portal"),
    ("It’s the ﬁnal ｉnvoice.", "final invoice"),
    ("We met José Núñez there.", "jose nunez"),
]
OTHERS = [
    ("de", "Wir haben Autos gesehen und ein Auto dazu.", "Auto gesehen"),  # in English one stem
    ("de", "Die Rechnungen sind wichtig.", "wichtige Rechnung"),
    ("fr", "Ils ont payé les factures.", "payer la facture"),
    ("ja", "毎月の書類の請求です。", "請求書類"),
]


def found(workshop: Workshop, query: str, mode: Mode = "keyword") -> list[str]:
    answer = workshop.service.search(SearchRequest(query, mode, 50))
    return sorted(result.interview.id for result in answer.results)


@pytest.mark.parametrize(("language", "text", "phrase"), PHRASES)
def test_a_phrase_is_found_and_excluded_by_the_stems_of_its_language(
    workshop: Workshop, language: str, text: str, phrase: str
) -> None:
    said, other = workshop.add(text, language=language), workshop.add("A common word.", language="en")
    assert found(workshop, f'"{phrase}"') == [said]
    assert found(workshop, "common", "semantic") == sorted((said, other))
    assert found(workshop, f'common -"{phrase}"', "semantic") == [other]


@pytest.mark.parametrize(("text", "phrase"), IN_ENGLISH)
def test_a_phrase_in_english_is_found_and_excluded_whatever_letters_it_is_written_in(
    workshop: Workshop, text: str, phrase: str
) -> None:
    said, other = workshop.add(f"{text} A common word."), workshop.add("A common word, Łódź — no such phrase.")
    assert found(workshop, f'"{phrase}"') == [said]
    assert found(workshop, f'common -"{phrase}"', "semantic") == [other]


def test_letters_make_no_phrase_of_words_that_stand_apart(workshop: Workshop) -> None:
    workshop.add("Kierkegaard was met by Søren.")
    workshop.add("Søren", *["so it goes on and on" * 12] * 3, "Kierkegaard")
    assert found(workshop, '"soren kierkegaard"') == []
    texts = [f"{'on and on ' * 24} as told by", f"Søren Kierkegaard {'on and on ' * 24}"]
    assert len(cut_cells([SpokenSegment(place, text) for place, text in enumerate(texts)])) == 2
    said = workshop.add(*texts)
    assert found(workshop, '"told by soren"') == [said]


def test_of_two_phrases_one_may_be_where_the_full_text_knows(workshop: Workshop) -> None:
    texts = [f"Søren Kierkegaard {'on and on ' * 24}", f"{'on and on ' * 24} the invoice was late"]
    assert len(cut_cells([SpokenSegment(place, text) for place, text in enumerate(texts)])) == 2
    said = workshop.add(*texts)
    workshop.add(texts[0])
    workshop.add(texts[1])
    workshop.add("Søren Kierkegaard", *["on and on " * 24] * 12, "The invoice was late.")
    assert found(workshop, '"soren kierkegaard" "invoice was late"') == [said]


def test_what_an_older_version_counted_is_counted_again(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as older:
        older.setattr(cell_block, "_FORMAT", 2)
        older.setattr(cell_block, "has_other_letters", lambda _: False)
        said = workshop.add("We met Søren Kierkegaard there.")
        assert found(workshop, '"soren kierkegaard"') == []
        workshop.service.close()
    assert found(workshop.restart(), '"soren kierkegaard"') == [said]


@pytest.mark.parametrize(("language", "text", "phrase"), OTHERS)
def test_words_that_are_no_such_phrase_are_neither_found_nor_excluded(
    workshop: Workshop, language: str, text: str, phrase: str
) -> None:
    said = workshop.add(text, language=language)
    assert found(workshop, f'"{phrase}"') == []
    assert found(workshop, f'common -"{phrase}"', "semantic") == [said]


def test_facets_count_the_interviews_that_hold_the_phrase(workshop: Workshop) -> None:
    workshop.add("Die wichtigen Rechnungen kommen.", language="de", tags=["spät"])
    workshop.add("Wichtige Dinge ohne eine Rechnung.", language="de", tags=["ohne"])
    answer = workshop.service.search(SearchRequest('"wichtige Rechnung"', "hybrid", with_facets=True))
    assert answer.facets is not None
    assert [(one.value, one.count) for one in answer.facets["tag"]] == [("spät", 1)]


def test_a_phrase_that_goes_on_in_the_next_cell_is_found(workshop: Workshop) -> None:
    texts = [f"{FILLER} die wichtigen", f"Rechnungen {FILLER}"]
    assert len(cut_cells([SpokenSegment(place, text) for place, text in enumerate(texts)])) == 2
    said = workshop.add(*texts, language="de")
    assert found(workshop, '"wichtige Rechnung"') == [said]
    workshop.add("wichtige", language="de")
    workshop.add("Rechnung", language="de")  # another interview, though its cell is the next one
    assert found(workshop, '"wichtige Rechnung"') == [said]


def test_of_several_phrases_all_stand_in_one_place(workshop: Workshop) -> None:
    near = workshop.add("Alte Verträge.", "Neue Rechnungen.", language="de")
    workshop.add("Alte Verträge.", *[FILLER] * 12, "Neue Rechnungen.", language="de")
    workshop.add("Alte Verträge.", language="de")
    assert found(workshop, '"alter Vertrag" "neue Rechnung"') == [near]


def test_each_interview_is_looked_through_by_its_own_language(workshop: Workshop) -> None:
    english, german = (workshop.add("We are meeting Bauern.", language=language) for language in ("en", "de"))
    assert found(workshop, '"meeting Bauern"') == sorted((english, german))
    assert found(workshop, '"meet Bauern"') == [english]
    assert found(workshop, '"meeting Bauer"') == [german]


def test_of_very_many_cells_those_are_read_first_that_have_all_words(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phrase_places, "MOST_READ", 2)
    workshop.add(*[f"Rechnungen {FILLER}", f"sind wichtige Dinge {FILLER}"] * 5, language="de")
    known = workshop.add("Eine wichtige Rechnung.", language="de")
    other = workshop.add("Die wichtigen Rechnungen.", language="de")
    assert found(workshop, '"wichtige Rechnung"') == sorted((known, other))


def test_in_a_large_corpus_a_phrase_is_found_wherever_it_stands(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "EXACT_CELLS", 0)
    monkeypatch.setattr(candidates, "CANDIDATE_CELLS", 12)
    monkeypatch.setattr(candidates, "CANDIDATE_SHARE", 0.0)
    monkeypatch.setattr(candidates, "SAMPLE_CELLS", 10)
    monkeypatch.setattr(candidates, "MEANT_SAMPLE_CELLS", 10)
    monkeypatch.setattr(candidates, "SAMPLE_SHARE", 0.0)
    monkeypatch.setattr(candidates, "MEANT_SAMPLE_SHARE", 0.0)
    for _ in range(30):
        workshop.add("Rechnungen sind wichtig." + " um" * 40, language="de")
    kept = workshop.add("Die wichtigen Rechnungen." + " um" * 40, language="de")
    request = SearchRequest('"wichtige Rechnung"', limit=5, with_facets=True)
    answer = workshop.service.search(request)
    assert [result.interview.id for result in answer.results] == [kept]
    assert answer.facets is not None
    assert [one.count for one in answer.facets["language"]] == [1]


def test_with_interviews_in_english_alone_the_full_text_says_where_phrases_stand(workshop: Workshop) -> None:
    workshop.add("We keep meeting at the Café", "at the keep meeting we", language="en")
    workshop.add("KEEPS meetings at the cafe", language=None)
    state = SearchState(id=1, model="fake-words", generation="")
    with workshop.database.read() as session:
        workshop.keeper.catch_up(session, state)
        corpus = workshop.keeper.look(session, state, {}, None).corpus
        for phrases in (["keep meeting at the cafe"], ["meeting"], ["?!"]):
            known = SqliteFullText().find_phrases(session, phrases, ALL_SEEING)
            assert find_places(session, SqliteFullText(), corpus, ALL_SEEING, phrases) == known != []
