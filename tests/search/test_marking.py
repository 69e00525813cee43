from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from search.marking import Spoken, highlight, hold_phrases

ENGLISH_WORDS = (
    "agree", "agreed", "agreement", "a", "as", "i", "ies", "skies", "sky", "says", "said", "say", "dying", "die",
    "dies", "generalizations", "general", "oscillators", "hopping", "hope", "hop", "feed", "caresses", "ponies", "s",
    "ties", "AB-12", "12", "1234", "relational", "relate", "happy", "happily", "e-mail", "email", "nobodys",
)  # fmt: skip


def marked(text: str, *parts: str, language: str = "en", languages: tuple[str, ...] = ("en",)) -> list[str]:
    (spans,) = highlight([Spoken(text, language)], parts, languages)
    return [text[start:end] for start, end in spans]


def test_the_words_asked_for_are_marked_by_stem() -> None:
    assert marked("They were meeting; the Meetings ran long. We meet.", "meetings") == ["meeting", "Meetings", "meet"]


def test_marks_count_characters_not_bytes() -> None:
    text = "Ünïcödé — the Größe of it 🎈 größe GROẞE"
    assert marked(text, "größe") == marked(text, "grosse") == ["Größe", "größe", "GROẞE"]


def test_a_code_or_phrase_is_marked_as_a_whole() -> None:
    assert marked("error AB-1234, 1234 and AB", "AB-1234") == ["AB-1234"]
    assert marked("single sign on; sign on single", "single sign on", "sign") == ["single sign on", "sign"]
    assert marked("export exports, exported", "export exports") == ["export exports, exported"]


def test_words_are_marked_in_the_language_they_are_said_in() -> None:
    text = "Die Rechnungen kamen spät, jede Rechnung fehlte."
    assert marked(text, "Rechnung", language="de", languages=("de", "en")) == ["Rechnungen", "Rechnung"]
    assert marked(text, "Rechnung") == ["Rechnung"]
    assert marked("Ils ont payé, elle est payée.", "payer", language="fr", languages=("fr",)) == ["payé", "payée"]


def test_accents_may_be_left_out_or_put_in() -> None:
    assert marked("O smlouvách nikdo nemluví", "smlouvach", language="cs", languages=("cs",)) == ["smlouvách"]
    assert marked("O smlouvach nikdo nemluvi", "smlouvách", language="cs", languages=("cs",)) == ["smlouvach"]
    assert marked("Frau Müller und Frau Muller", "muller", language="de", languages=("de",)) == ["Müller", "Muller"]
    assert marked("Frau Müller und Frau Muller", "Müller", language="de", languages=("de",)) == ["Müller", "Muller"]


def test_words_of_scripts_without_spaces_are_marked() -> None:
    assert marked("毎月の請求書が届きました", "請求書", language="ja", languages=("ja",)) == ["請求書"]
    assert marked("毎月の請求が届きました", "請求書", language="ja", languages=("ja",)) == ["請求"]
    assert marked("청구서를 보냈어요", "청구서", language="ko", languages=("ko",)) == ["청구서를"]


def test_a_text_without_the_words_has_no_marks() -> None:
    assert highlight([Spoken("nothing"), Spoken("a word")], ["word"]) == [(), ((2, 6),)]
    assert highlight([Spoken("nothing")], ["?!"]) == [()]


def test_texts_are_checked_for_phrases() -> None:
    texts = [Spoken("single sign on"), Spoken("sign on single"), Spoken("Single signs")]
    assert hold_phrases(texts, ["single sign"]) == [True, False, True]
    assert hold_phrases([Spoken("anything")], ["?!"]) == [True]
    assert hold_phrases([Spoken("a single sign on")], ["single sign", "on"]) == [True]
    assert hold_phrases([Spoken("die wichtigen Rechnungen", "de")], ["wichtige Rechnung"], ("de",)) == [True]


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=60), st.sampled_from(["en", "de", "ja", "ru", "hi", "xx"]))
def test_no_text_makes_it_raise(query: str, language: str) -> None:
    texts = [Spoken("some text", language), Spoken(query, language)]
    for spans, spoken in zip(highlight(texts, [query], (language, "en")), texts, strict=True):
        assert all(0 <= start < end <= len(spoken.text) for start, end in spans)
        assert all(before[1] <= after[0] for before, after in pairwise(spans))
    hold_phrases(texts, [query], (language,))


@given(
    st.lists(st.sampled_from(ENGLISH_WORDS), max_size=30),
    st.lists(st.lists(st.sampled_from(ENGLISH_WORDS), min_size=1, max_size=3), min_size=1, max_size=4),
)
def test_marks_in_english_are_those_of_a_look_at_every_word(said: list[str], asked: list[list[str]]) -> None:
    """A text that is not all ASCII is looked at word by word."""
    text = "; ".join(said).capitalize()
    phrases = [" ".join(words) for words in asked]
    assert highlight([Spoken(text)], phrases) == highlight([Spoken(f"{text} é")], phrases)
