"""Interviews in several languages: their words are found by stem, with and without accents, and disturb nobody else."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.tables import Interview, Project
from core.visibility import ALL_SEEING, EVERYBODY
from search import repository
from search.cell_block import count_cells, only_interviews, pack_block, unpack_block
from search.cell_index import CellIndex
from search.cells import SpokenSegment, cut_cells
from search.stems import stem
from search.tables import IndexedInterview
from search.values import Mode, SearchAnswer, SearchRequest
from search.words import asked_words, fold, forms_of, lower_words, read_words, terms_of
from tests.search.factories import Workshop

ENGLISH = (
    "The invoice showed the wrong currency three months in a row.",
    "We will die waiting for that export, it takes an hour.",
    "A discount for schools would settle the matter.",
)
SAID = {
    "de": ("Die Rechnungen kommen jeden Monat zu spät.", "Frau Müller wartet auf die Rückmeldung."),
    "fr": ("L'abonnement est payé, les factures arrivent.", "On attend le transfert des données."),
    "es": ("Cancelaron las suscripciones en marzo.", "La migración tarda demasiado."),
    "cs": ("O nových smlouvách nám nikdo neřekl.", "Export trvá příliš dlouho."),
    "pl": ("Faktury przyszły z błędami.", "Czekamy na zwrot pieniędzy."),
    "pt": ("As informações chegaram tarde.", "O desconto acabou."),
    "ru": ("Договоры пришли слишком поздно.", "Мы ждём ответа."),
    "sk": ("Zmluvy prišli neskoro.", "Čakáme na faktúru."),
    "ja": ("毎月の請求書が届きません。", "書類を送ってください。求人はありません。請負です。"),
    "zh": ("发票每个月都来得太晚。", "我们在等票据，也在发货。"),
    "th": ("ใบแจ้งหนี้มาช้าทุกเดือน", "เรารอคำตอบ"),
    "ko": ("청구서가 매달 늦게 와요.", "답장을 기다려요."),
    "ar": ("الفاتورة تصل متأخرة.", "ننتظر الجواب."),
}


@pytest.fixture(scope="module")
def tower(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workshop, dict[str, str]]]:
    """A corpus of all these languages: the name of an interview is its language and its number."""
    workshop = Workshop(Path(tmp_path_factory.mktemp("tower")))
    names = {workshop.add(text, language="en"): f"en {number}" for number, text in enumerate(ENGLISH)}
    for language, texts in SAID.items():
        names |= {workshop.add(text, language=language): f"{language} {number}" for number, text in enumerate(texts)}
    yield workshop, names
    workshop.database.close()


def found(tower: tuple[Workshop, dict[str, str]], query: str, mode: Mode = "keyword") -> list[str]:
    workshop, names = tower
    answer = workshop.service.search(SearchRequest(query, mode, 50))
    assert answer.corrections == ()  # found by its stem, not as a slip of the pen
    return [names[result.interview.id] for result in answer.results]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("Rechnung", "de 0"),
        ("Rückmeldungen", "de 1"),
        ("facture", "fr 0"),
        ("payer", "fr 0"),
        ("payées", "fr 0"),
        ("suscripción", "es 0"),
        ("migraciones", "es 1"),
        ("smlouva", "cs 0"),
        ("smlouvami", "cs 0"),
        ("faktura", "pl 0"),
        ("informação", "pt 0"),
        ("договор", "ru 0"),
        ("فاتورة", "ar 0"),
        ("請求書", "ja 0"),
        ("发票", "zh 0"),
        ("แจ้งหนี้", "th 0"),
        ("청구서", "ko 0"),
    ],
)
def test_a_word_is_found_in_the_language_it_was_said_in(
    tower: tuple[Workshop, dict[str, str]], query: str, name: str
) -> None:
    assert found(tower, query) == [name]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("muller", "de 1"),
        ("MÜLLER", "de 1"),
        ("ruckmeldung", "de 1"),
        ("paye", "fr 0"),
        ("donnees", "fr 1"),
        ("migracion", "es 1"),
        ("smlouvach", "cs 0"),
        ("prilis", "cs 1"),
        ("bledami", "pl 0"),
        ("informacoes", "pt 0"),
        ("cakame", "sk 1"),
    ],
)
def test_accents_need_not_be_typed(tower: tuple[Workshop, dict[str, str]], query: str, name: str) -> None:
    assert found(tower, query) == [name]


def test_accents_need_not_be_said(workshop: Workshop) -> None:
    plain = workshop.add("O smlouvach nam nikdo nerekl, Herr Muller hat payee.", language="cs")
    for query in ("smlouvách", "Müller", "payée"):
        answer = workshop.service.search(SearchRequest(query, "keyword"))
        assert [result.interview.id for result in answer.results] == [plain]
        assert answer.corrections == ()


def test_a_language_without_a_stemmer_is_found_as_it_is_written(tower: tuple[Workshop, dict[str, str]]) -> None:
    assert stem("zmluvy", "sk") == "zmluvy"
    assert found(tower, "zmluvy") == ["sk 0"]
    assert found(tower, "zmluvami") == []


def test_a_quoted_phrase_is_found_in_every_script(tower: tuple[Workshop, dict[str, str]]) -> None:
    assert found(tower, '"jeden Monat zu spät"', "hybrid") == ["de 0"]
    assert found(tower, '"jeden monat zu spat"') == ["de 0"]
    assert found(tower, '"毎月の請求書"', "hybrid") == ["ja 0"]
    assert found(tower, '"求書が毎月"') == []


def test_what_is_excluded_is_excluded_in_every_inflection(tower: tuple[Workshop, dict[str, str]]) -> None:
    assert found(tower, "monat müller") == ["de 1", "de 0"]
    assert found(tower, "monat müller -rechnung") == ["de 1"]
    assert found(tower, "monat müller -rechn*") == ["de 1"]
    assert found(tower, "請求書 書類 -請求書") == ["ja 1"]


def test_the_beginning_of_a_word_is_completed_without_its_accents(tower: tuple[Workshop, dict[str, str]]) -> None:
    assert found(tower, "smlouv*") == ["cs 0"]
    assert found(tower, "rückm*") == ["de 1"]
    assert found(tower, "請求*") == ["ja 0"]


def test_a_slip_in_a_foreign_word_is_mended(tower: tuple[Workshop, dict[str, str]]) -> None:
    workshop, names = tower
    answer = workshop.service.search(SearchRequest("Rechnugnen", "keyword"))
    assert [names[result.interview.id] for result in answer.results] == ["de 0"]
    assert [correction.used for correction in answer.corrections] == [("rechnungen",)]


def test_a_question_in_german_is_about_its_subject(tower: tuple[Workshop, dict[str, str]]) -> None:
    names = found(tower, "Was sagen die Kunden über die Rechnung?")
    assert names == ["de 0"]  # not what "was" and "die" are in, in English


def test_results_are_marked_by_the_stems_of_their_language(tower: tuple[Workshop, dict[str, str]]) -> None:
    workshop, _ = tower
    (result,) = workshop.service.search(SearchRequest("die Rechnung ist zu spät", "keyword")).results
    assert [result.text[start:end] for start, end in result.highlights] == ["Rechnungen", "spät"]


@pytest.mark.parametrize("language", [None, "en"])
def test_an_interview_in_english_or_none_known_is_counted_as_ever(language: str | None) -> None:
    words = lower_words("The Café's invoices, naïvely generated: running AB-1234.")
    assert terms_of(words, "en") == [stem(word) for word in read_words(" ".join(words))]
    cells = cut_cells([SpokenSegment(0, "Invoices were running late in the Café", "Ann")])
    assert pack_block(count_cells("a", cells, language)) == pack_block(count_cells("a", cells))
    assert all(len(forms_of(word, ["en"])) == 1 for word in words)


@pytest.mark.parametrize(
    "query", ["Rechnung invoices", '"the invoice" Rechnung', "was die Kunden sagen, und was nicht?", "facture", "dies"]
)
@pytest.mark.parametrize("mode", ["keyword", "hybrid"])
def test_who_sees_no_german_interview_gets_the_answers_of_a_corpus_without_any(
    tmp_path: Path, query: str, mode: Mode
) -> None:
    def answer(folder: str, *, hidden: bool) -> SearchAnswer:
        workshop = Workshop(tmp_path / folder)
        workshop.put_project("secret")
        with workshop.database.write() as session:
            session.get_one(Project, "secret").is_restricted = True
        for number, text in enumerate(ENGLISH):
            workshop.add(text, language="en", external_id=str(number))
            if hidden:
                workshop.add(*SAID["de"], language="de", project_id="secret")
        if hidden:
            assert workshop.service.search(SearchRequest("Rechnung", "keyword", viewer=ALL_SEEING)).results
        found = workshop.service.search(SearchRequest(query, mode, viewer=EVERYBODY))
        workshop.database.close()
        results = tuple(
            replace(result, interview=replace(result.interview, id=result.interview.external_id or ""))
            for result in found.results
        )
        return replace(found, took_ms=0.0, results=results)

    assert answer("with", hidden=True) == answer("without", hidden=False)


def test_of_an_interview_that_is_left_out_not_even_its_language_remains() -> None:
    index = CellIndex()
    for name, language in (("p", "de"), ("q", "en")):
        index.put(count_cells(name, cut_cells([SpokenSegment(0, "Rechnungen", "A")]), language))
    assert index.corpus().languages == {"de", "en"}
    (block,) = index.corpus().blocks
    kept = only_interviews(block, np.array([name == "q" for name in block.interviews]))
    assert kept.languages == ("en",)
    assert unpack_block(pack_block(block)).languages == block.languages


def test_what_an_older_earshot_counted_is_counted_again_in_its_language(workshop: Workshop) -> None:
    interview = workshop.add(SAID["de"][0], language="de")
    with workshop.database.write() as session:
        session.get_one(IndexedInterview, interview).block = b'{"format": 1}\n'
    again = workshop.restart()
    answer = again.service.search(SearchRequest("Rechnung", "keyword"))
    assert [result.interview.id for result in answer.results] == [interview]
    assert answer.corrections == ()
    again.database.close()


def test_an_interview_whose_language_is_put_right_is_counted_anew_and_not_embedded_again(workshop: Workshop) -> None:
    interview = workshop.add(SAID["de"][0], language="en")
    asked = workshop.embedder("fake-words").asked
    with workshop.database.write() as session:
        session.get_one(Interview, interview).language = "de"
    workshop.make_findable(interview)
    answer = workshop.service.search(SearchRequest("Rechnung", "keyword"))
    assert [result.interview.id for result in answer.results] == [interview]
    assert answer.corrections == ()
    assert workshop.embedder("fake-words").asked == asked


def test_what_was_counted_in_a_language_that_was_put_right_meanwhile_is_not_kept(workshop: Workshop) -> None:
    interview = workshop.add(SAID["de"][0], language="de")
    cells = cut_cells([SpokenSegment(0, SAID["de"][0], "Ann")])
    with workshop.database.write() as session:
        assert not repository.put_indexed(session, interview, 1, count_cells(interview, cells, "en"), cells)
        assert repository.put_indexed(session, interview, 1, count_cells(interview, cells, "de"), cells)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Café ÜBER naïve", ["cafe", "uber", "naive"]),
        ("Straße GROẞE ﬁnance", ["strasse", "grosse", "finance"]),
        ("Smørrebrød Łódź œuvre", ["smorrebrod", "lodz", "oeuvre"]),
        ("e\u0301te\u0301 Rech\u00adnung", ["ete", "rechnung"]),
        ("ＡＢ１２ ｶﾞ", ["ab12", "ガ"]),
        ("مُحَمَّد ـــأحمد", ["محمد", "احمد"]),
        ("שָׁלוֹם", ["שלום"]),
        ("ग्राहकों की", ["ग्राहकों", "की"]),
        ("İstanbul ΣΊΣΥΦΟΣ", ["istanbul", "σισυφοσ"]),
        ("한국어", ["한국어"]),
        ("日本 text", ["日", "本", "text"]),
    ],
)
def test_words_are_folded(text: str, folded: list[str]) -> None:
    assert read_words(text) == folded
    assert [fold(word) for word in lower_words(text)] == folded


def test_words_without_spaces_are_counted_by_character_and_by_two() -> None:
    assert terms_of(lower_words("日本語 AB"), "ja") == ["日", "本", "語", "ab", "日本", "本語"]
    assert asked_words("日本語 AB") == ["日本", "本語", "ab"]
    assert asked_words("本") == ["本"]
    assert terms_of(lower_words("청구서를"), "ko") == ["청구", "구서", "서를"]


def test_an_english_word_in_a_text_of_other_letters_is_stemmed_as_english() -> None:
    assert terms_of(lower_words("お客様は invoices を"), "ja")[4] == "invoic"
    assert terms_of(lower_words("наши invoices"), "ru")[1] == "invoic"


def test_an_occurrence_is_counted_once_however_the_word_was_typed() -> None:
    for said in ("payée", "payee", "smlouvách", "smlouvach", "informações", "müller", "muller"):
        for asked in ("payée", "payee", "smlouvách", "smlouvach", "informações", "informacoes", "müller", "muller"):
            for language in ("cs", "de", "fr", "pt"):
                shared = set(terms_of([said], language)) & set(forms_of(asked, [language]))
                assert len(shared) <= 1
                assert shared or fold(said) != fold(asked)
