"""The practice model's tokenizer: byte-level BPE over its own sentences, then Whisper's special tokens.

Small on purpose: 640 text tokens instead of 50,000. CTranslate2 takes a vocabulary below 51,865 tokens for an
English-only Whisper, so there are no language tokens.
"""

from __future__ import annotations

import json
import string
from dataclasses import dataclass
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from tools.practice_model.sentences import load_sentences

TEXT_TOKENS = 640
TIMESTAMPS = 1501
SPECIAL_TOKENS = [
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
]
# faster-whisper suppresses the first token of " -", " '" and " ♪". Where those are no tokens of their own, that is
# the bare space, and with it every word that begins with one. So these pairs are learned first, and a space with
# every letter too: no word of ours begins with a bare space.
_PAIRS_TO_LEARN = [f" {first}" for first in "-'♪" + string.ascii_letters] * 1000


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The tokenizer and the ids that training needs by name."""

    tokenizer: Tokenizer

    def id_of(self, token: str) -> int:
        found = self.tokenizer.token_to_id(token)
        if found is None:
            raise KeyError(token)
        return int(found)

    @property
    def size(self) -> int:
        return int(self.tokenizer.get_vocab_size())

    @property
    def timestamp_begin(self) -> int:
        return self.id_of("<|0.00|>")

    def encode(self, text: str) -> list[int]:
        """Token ids of a sentence; like Whisper's, each begins with a space."""
        return list(self.tokenizer.encode(" " + text.strip(), add_special_tokens=False).ids)

    def token_texts(self, ids: list[int]) -> list[str]:
        return [self.tokenizer.decode([token]) for token in ids]

    def tokens(self) -> list[str]:
        """All tokens in id order: what CTranslate2 stores as the model's vocabulary."""
        return [str(self.tokenizer.id_to_token(index)) for index in range(self.size)]


def build_vocabulary() -> Vocabulary:
    """Trains the tokenizer on the sentences; the same sentences always give the same tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=TEXT_TOKENS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    texts = [" " + sentence.text for sentence in load_sentences()]
    tokenizer.train_from_iterator(texts + _PAIRS_TO_LEARN, trainer)
    names = SPECIAL_TOKENS + [f"<|{index * 0.02:.2f}|>" for index in range(TIMESTAMPS)]
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in names])
    return Vocabulary(tokenizer)


def save_vocabulary(vocabulary: Vocabulary, folder: Path) -> None:
    """Writes `tokenizer.json` as faster-whisper reads it, without needless white space."""
    document = json.loads(vocabulary.tokenizer.to_str())
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    (folder / "tokenizer.json").write_text(text + "\n", encoding="utf-8")
