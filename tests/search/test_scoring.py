from dataclasses import replace

import numpy as np
import pytest

from search import spans
from search.cell_index import CellIndex, Corpus
from search.held_words import HeldWord
from search.scoring import Shares, interview_words, score_cells, smooth
from search.spans import CORE_WORDS, LEAST_CORE_WORDS, MOST_WORDS, choose_spans
from search.term_columns import Topic, find_terms
from search.values import Mode
from search.words import keys_of, pairs_of, read_words, stems_of
from tests.search.test_cell_index import block_of

NOTHING = keys_of([])


def corpus_of(*interviews: list[str]) -> Corpus:
    index = CellIndex()
    for number, texts in enumerate(interviews):
        index.put(block_of(str(number), texts, 1000 * number))
    return index.corpus()


def topic_of(text: str) -> Topic:
    words = read_words(text)
    pairs = pairs_of(words)
    terms = tuple(keys_of([stem]) for stem in stems_of(words))
    return Topic(terms, keys_of(pairs), (1.0,) * len(terms), (1.0,) * len(pairs))


def score_all(corpus: Corpus, topic: Topic, closeness: np.ndarray | None, mode: Mode) -> np.ndarray:
    everything = np.ones(len(corpus.interviews), dtype=bool)
    terms = find_terms(corpus, topic, everything)
    whole = interview_words(corpus, terms, everything)
    asked = None if closeness is None else lambda: closeness
    return score_cells(corpus, terms, whole, asked, mode, Shares.alone(everything))


def test_the_cell_with_the_word_scores_best() -> None:
    corpus = corpus_of(["boat"] * 30, ["boat"] * 15 + ["zebra"] + ["boat"] * 14)
    scores = score_all(corpus, topic_of("zebras"), None, "keyword")
    place = int(np.argmax(scores))
    assert corpus.interviews[corpus.interview_of[place]] == "1"
    assert abs(int(corpus.first_segment[place]) - 15) <= 2


def test_words_next_to_each_other_count_more_than_apart() -> None:
    corpus = corpus_of(["red apple"] + ["x"] * 40, ["red"] + ["x"] * 3 + ["apple"] + ["x"] * 36)
    scores = score_all(corpus, topic_of("red apple"), None, "keyword")
    best = [scores[corpus.interview_of == corpus.number_of[name]].max() for name in "01"]
    assert best[0] > best[1]


def test_words_said_in_one_breath_in_any_order_count_more_than_apart() -> None:
    together = ["apple x y red"] + ["x y"] * 30
    apart = ["apple x"] + ["x y"] * 3 + ["y red"] + ["x y"] * 26
    corpus = corpus_of(together, apart)
    topic = replace(topic_of("red apple"), pairs=NOTHING, pair_weights=())
    scores = score_all(corpus, topic, None, "keyword")
    best = [scores[corpus.interview_of == corpus.number_of[name]].max() for name in "01"]
    assert best[0] > best[1]


def test_closeness_alone_decides_by_meaning() -> None:
    corpus = corpus_of(["boat"] * 30, ["boat"] * 30)
    closeness = np.zeros(len(corpus.window_ids))
    closeness[20] = 1.0
    begin, end = corpus.windows
    scores = score_all(corpus, topic_of("zebra"), closeness, "semantic")
    assert begin[20] - 1 <= int(np.argmax(scores)) <= end[20]


def test_no_word_and_no_meaning_scores_all_alike() -> None:
    corpus = corpus_of(["boat"] * 5)
    scores = score_all(corpus, Topic((), NOTHING), None, "keyword")
    assert np.allclose(scores, scores[0])


@pytest.mark.parametrize("interviews", [[], [[]], [[], ["boat"], []]])
def test_a_corpus_with_hardly_anything_is_no_trouble(interviews: list[list[str]]) -> None:
    corpus = corpus_of(*interviews)
    closeness = np.ones(len(corpus.window_ids))
    scores = score_all(corpus, topic_of("boat"), closeness, "hybrid")
    assert scores.shape == (corpus.size,)
    assert np.isfinite(scores).all()


def test_smoothing_keeps_a_constant_and_does_not_cross_interviews() -> None:
    corpus = corpus_of(["boat"] * 10, ["boat"] * 10)
    assert np.allclose(smooth(corpus, np.ones(corpus.size), 2.5, 1.5), 1.0)
    first = (corpus.interview_of == 0).astype(float)
    assert np.allclose(smooth(corpus, first, 2.5, 1.5), first)


def test_what_follows_the_words_answers_rather_than_what_came_before_them() -> None:
    corpus = corpus_of(["boat"] * 20 + ["zebra"] + ["boat"] * 20, ["boat"] * 41)
    scores = score_all(corpus, topic_of("zebra"), None, "keyword")[corpus.interview_of == 0]
    after, before = scores[21:25], scores[16:20][::-1]
    assert (after > before).all()


@pytest.mark.parametrize("seed", range(5))
def test_spans_are_the_same_however_few_cores_are_sorted_at_first(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = corpus_of(*[["boat " * 60] * 40] * 5)
    scores = np.random.default_rng(seed).integers(0, 5, corpus.size).astype(np.float64)  # many are alike
    everywhere = np.ones(corpus.size, dtype=bool)
    expected = choose_spans(corpus, scores, everywhere, None, 50)
    monkeypatch.setattr(spans, "_SORTED", 3)
    assert choose_spans(corpus, scores, everywhere, None, 50) == expected


@pytest.mark.parametrize("seed", range(20))
def test_spans_are_the_same_however_few_interviews_are_looked_at_first(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # interviews that are good throughout, and some of which one cell stands out without making a moment of it
    corpus = corpus_of(*[["boat " * 60] * (number % 7) for number in range(60)])
    random = np.random.default_rng(seed)
    scores = random.standard_normal(corpus.size) + 2 * random.standard_normal(60)[corpus.interview_of]
    scores[random.integers(0, corpus.size, 30)] += 5.0
    scores = np.rint(scores)  # many are alike
    allowed = random.random(corpus.size) < 0.9
    words = [HeldWord(gain, random.random(corpus.size) < 0.03) for gain in (0.5, 2.0)]
    for wanted, held in ((None, []), (random.random(corpus.size) < 0.2, []), (None, words)):
        for most, most_of_one in ((1, None), (10, None), (10, 2)):
            found = []
            for looked_at in (1, 2, 4, corpus.size):
                monkeypatch.setattr(spans, "_LOOKED_AT", looked_at)
                found.append(choose_spans(corpus, scores, allowed, wanted, most, most_of_one, held))
            assert found[0] == found[1] == found[2] == found[3] != []


def test_spans_never_overlap_and_keep_to_their_words_and_interview() -> None:
    corpus = corpus_of(*[["boat"] * 37 for _ in range(5)])
    scores = np.random.default_rng(1).standard_normal(corpus.size)
    spans = choose_spans(corpus, scores, np.ones(corpus.size, dtype=bool), None, 50)
    taken = [cell for span in spans for cell in range(span.begin, span.end)]
    assert len(taken) == len(set(taken)) > corpus.size / 2
    for span in spans:
        assert len(set(corpus.interview_of[span.begin : span.end])) == 1
        assert corpus.word_count[span.begin : span.end].sum() <= MOST_WORDS
    assert [span.score for span in spans] == sorted((span.score for span in spans), reverse=True)


def test_a_span_is_made_of_allowed_cells_and_holds_a_wanted_one() -> None:
    corpus = corpus_of(["boat"] * 60)
    allowed = np.arange(corpus.size) % 7 != 0
    wanted = np.arange(corpus.size) == 17
    spans = choose_spans(corpus, np.linspace(1, 0, corpus.size), allowed, wanted, 10)
    assert len(spans) == 1
    assert spans[0].begin <= 17 < spans[0].end
    assert allowed[spans[0].begin : spans[0].end].all()


def test_of_spans_that_answer_alike_the_one_leads_that_holds_the_words() -> None:
    corpus = corpus_of(["boat"] * 60, ["boat"] * 60)
    everywhere, scores = np.ones(corpus.size, dtype=bool), np.zeros(corpus.size)
    scores[5:8], scores[40] = 0.3, 0.2
    word = HeldWord(0.5, np.arange(corpus.size) == corpus.size - 3)
    without, first = (choose_spans(corpus, scores, everywhere, None, 1, held=held)[0] for held in ([], [word]))
    assert without.begin <= 5 < without.end
    assert first.begin <= corpus.size - 3 < first.end
    assert first.score == pytest.approx(0.5)


def test_the_last_words_of_an_interview_are_judged_with_what_was_said_before_them() -> None:
    corpus = corpus_of(["boat " * 20] * 20, ["boat " * 20] * 20, ["boat " * 20] * 3)
    everywhere = np.ones(corpus.size, dtype=bool)
    scores = np.zeros(corpus.size)
    last = int(corpus.starts[1]) - 1
    scores[last], scores[last + 10] = 1.0, 0.9
    best, second = choose_spans(corpus, scores, everywhere, None, 2)
    assert last in range(best.begin, best.end)
    assert corpus.said_count[best.begin : best.end].sum() >= LEAST_CORE_WORDS
    assert last + 10 in range(second.begin, second.end)
    # never together with what may not be shown
    allowed = everywhere.copy()
    allowed[last - 1] = False
    (alone,) = choose_spans(corpus, np.where(np.arange(corpus.size) == last, 1.0, 0.0), allowed, None, 1)
    assert (alone.begin, alone.end, alone.score) == (last, last + 1, 1.0)


def test_a_span_grows_only_into_what_answers_as_well() -> None:
    corpus = corpus_of(["boat"] * 60)
    words = int(corpus.word_count[0])
    scores = np.zeros(corpus.size)
    scores[20:23] = 1.0
    (alone,) = choose_spans(corpus, scores, np.ones(corpus.size, dtype=bool), None, 1)
    assert corpus.word_count[alone.begin : alone.end].sum() <= CORE_WORDS
    scores[10:30] = 1.0
    (grown,) = choose_spans(corpus, scores, np.ones(corpus.size, dtype=bool), None, 1)
    assert (grown.end - grown.begin) == MOST_WORDS // words
