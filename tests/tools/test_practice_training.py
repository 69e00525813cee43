"""The parts that train the practice model, without espeak-ng and without training."""

import itertools
from pathlib import Path

import numpy as np
import torch
from faster_whisper import WhisperModel
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import Tokenizer

from tools.practice_model.clips import Clip, make_clip
from tools.practice_model.curriculum import CYCLES, TOTAL_STEPS, place
from tools.practice_model.espeak import SAMPLE_RATE, Speech
from tools.practice_model.export import export
from tools.practice_model.features import log_mel
from tools.practice_model.losses import losses, make_batch
from tools.practice_model.model import PracticeWhisper
from tools.practice_model.recording import lay_out
from tools.practice_model.score import Heard, score, summary, word_errors
from tools.practice_model.sentences import load_sentences
from tools.practice_model.train import model_shape
from tools.practice_model.vocabulary import Vocabulary, build_vocabulary
from tools.practice_model.windows import Plan, Window, WindowMaker


def hummed(seconds: float, words: int) -> Speech:
    """A tone in place of speech: tests need no espeak-ng."""
    times = np.linspace(0, seconds, words + 1)
    tone = np.sin(np.arange(round(seconds * SAMPLE_RATE)) * 0.1).astype(np.float32)
    return Speech(tone, [(float(a), float(b)) for a, b in itertools.pairwise(times)])


def hummed_clips(vocabulary: Vocabulary) -> list[Clip]:
    return [
        make_clip(index, sentence, hummed(2.5, len(sentence.text.split())), vocabulary)
        for index, sentence in enumerate(load_sentences())
    ]


def draw(seed: int, plan: Plan) -> tuple[Window, Vocabulary]:
    vocabulary = build_vocabulary()
    return WindowMaker(hummed_clips(vocabulary), vocabulary, seed).draw(plan), vocabulary


def test_features_are_the_ones_faster_whisper_computes() -> None:
    sound = np.random.default_rng(1).normal(0, 0.1, 3 * SAMPLE_RATE).astype(np.float32)
    expected = FeatureExtractor()(sound, padding=0)
    assert np.abs(log_mel(torch.from_numpy(sound)[None])[0].numpy() - expected).max() < 1e-4


def test_tokens_give_every_sentence_back_and_none_of_them_is_suppressed() -> None:
    vocabulary = build_vocabulary()
    suppressed = set(Tokenizer(vocabulary.tokenizer, multilingual=False).non_speech_tokens)
    for sentence in load_sentences():
        tokens = vocabulary.encode(sentence.text)
        assert vocabulary.tokenizer.decode(tokens).strip() == sentence.text
        assert not suppressed & set(tokens)


def test_timestamp_tokens_stand_last_as_whisper_expects() -> None:
    vocabulary = build_vocabulary()
    assert vocabulary.timestamp_begin == vocabulary.id_of("<|notimestamps|>") + 1
    assert vocabulary.tokens()[-1] == "<|30.00|>"


def test_the_same_seed_draws_the_same_window() -> None:
    plan = Plan(12.0, 0)
    first, second = draw(5, plan)[0], draw(5, plan)[0]
    assert np.array_equal(first.samples, second.samples)
    assert first.targets == second.targets


def test_a_sentence_cut_off_at_the_end_leaves_only_its_start_time() -> None:
    plan = Plan(12.0, 0, silent_share=0.0, prompt_share=0.0, words_only_share=0.0)
    window, vocabulary = next(drawn for seed in range(50) if (drawn := draw(seed, plan))[0].cut is not None)
    assert window.cut is not None
    begin = vocabulary.timestamp_begin
    *_, end_of_last, start_of_cut, end_of_text = window.targets
    assert end_of_last >= begin
    assert start_of_cut == begin + window.offset + round(window.cut[1] / 0.02)
    assert end_of_text == vocabulary.id_of("<|endoftext|>")


def test_a_window_without_speech_is_labelled_no_speech() -> None:
    window, vocabulary = draw(3, Plan(5.0, 1, silent_share=1.0, prompt_share=0.0, words_only_share=0.0))
    assert window.targets[0] == vocabulary.id_of("<|nospeech|>")
    assert window.targets[-1] == vocabulary.id_of("<|endoftext|>")


def test_all_losses_of_a_batch_are_finite_and_reach_every_weight() -> None:
    torch.manual_seed(0)
    vocabulary = build_vocabulary()
    maker = WindowMaker(hummed_clips(vocabulary), vocabulary, 1)
    model = PracticeWhisper(model_shape(vocabulary))
    found = losses(model, make_batch([maker.draw(Plan(8.0, 2)) for _ in range(4)], vocabulary))
    total = found["text"] + found["time"] + found["frame"] + found["guide"]
    total.backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(total)
    assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in model.parameters())


def test_every_step_has_its_place_in_a_cycle() -> None:
    assert place(0) == (CYCLES[0], 0)
    assert place(CYCLES[0].steps) == (CYCLES[1], 0)
    assert place(TOTAL_STEPS - 1) == (CYCLES[-1], CYCLES[-1].steps - 1)


def test_training_ends_on_full_windows_and_every_cycle_on_a_low_learning_rate() -> None:
    assert CYCLES[-1].turn_at(CYCLES[-1].steps - 1)[1].length_s == 30.0
    assert all(cycle.learning_rate(cycle.steps - 1) < 0.05 * cycle.peak_rate for cycle in CYCLES)


def test_an_exported_model_loads_in_faster_whisper_as_english_only(tmp_path: Path) -> None:
    torch.manual_seed(0)
    vocabulary = build_vocabulary()
    model = PracticeWhisper(model_shape(vocabulary))
    torch.save({"model": model.state_dict(), "step": 0}, tmp_path / "checkpoint.pt")
    export(tmp_path, tmp_path / "model")
    loaded = WhisperModel(str(tmp_path / "model"), device="cpu", compute_type="int8", cpu_threads=1)
    assert loaded.supported_languages == ["en"]


def test_word_errors_count_inserted_deleted_and_replaced_words() -> None:
    assert word_errors(["a", "b", "c"], ["a", "b", "c"]) == 0
    assert word_errors(["a", "b", "c"], ["a", "x", "c", "d"]) == 2
    assert word_errors(["a", "b", "c"], []) == 3


def test_a_perfect_transcript_scores_no_errors_and_exact_times() -> None:
    sentence = load_sentences()[0]
    recording = lay_out([("Maya", sentence.text, hummed(2.0, 10))], np.random.default_rng(0))
    truth = recording.spoken[0]
    words = [(word, at) for word, at in zip(sentence.text.split(), truth.word_starts_s, strict=True)]
    found = summary([score([truth], [Heard(sentence.text, truth.start_s, truth.end_s, words)])])
    assert (found["wer"], found["timed"], found["within_0_3_s"], found["word_p95_s"]) == (0.0, 1.0, 1.0, 0.0)
