"""The sentences that the practice model knows: read from `sentences.json`, in the interview's order.

Everything else here (tokenizer, speech, evaluation, the spoken sample) starts from this list.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

SENTENCES_FILE = Path(__file__).with_name("sentences.json")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence and who says it in the interview."""

    speaker: str
    text: str


def load_sentences() -> list[Sentence]:
    """All sentences, in the order in which the interview speaks them."""
    document = json.loads(SENTENCES_FILE.read_text(encoding="utf-8"))
    return [Sentence(row["speaker"], row["text"]) for row in document["sentences"]]


def sentences_sha256() -> str:
    """Hash of the sentences' texts, joined by newlines: what a checkpoint was trained on."""
    joined = "\n".join(sentence.text for sentence in load_sentences())
    return hashlib.sha256(joined.encode("utf-8")).hexdigest()
