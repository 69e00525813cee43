"""What ingest asks of the outside: somebody who writes down speech, somebody who tells voices apart.

Adapters are named technology + role (`whisper_transcriber.py`); `fakes.py` has a twin of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from ingest.values import HeardWindow, ListeningOptions, Samples, SoundWindow, SpeakerTurn, SpeechSpan

# Called with how far into the recording the work has come, in milliseconds; never goes back.
OnPosition = Callable[[int], None]
# Called with the bytes fetched and, about, the bytes to fetch (0: unknown).
OnDownload = Callable[[int, int], None]


class SpeechDetector(Protocol):
    """Finds where somebody speaks, so that silence is neither transcribed nor taken for a voice."""

    def find_speech(self, samples: Samples) -> tuple[SpeechSpan, ...]:
        """Return the spans of speech in `samples` in time order, counted from the first sample."""


class Transcriber(Protocol):
    """Writes down speech, one window at a time, so that memory and lost work stay bounded."""

    @property
    def model_name(self) -> str:
        """Name what writes the text, as it is stored with the transcript."""

    def prepare(self, on_download: OnDownload | None = None) -> None:
        """Have the weights in memory, fetching them first if they may be fetched; doing it again costs
        nothing.

        Raises: Unavailable with code `needs_model` and a sentence that says what to do.
        """

    def transcribe_window(
        self, window: SoundWindow, options: ListeningOptions, on_position: OnPosition | None = None
    ) -> HeardWindow:
        """Return what is said in `window`, with times counted from the start of the recording.

        The same window and options give the same text, so a window may be done again after a crash.
        With `options.language` None the language is taken from this window's speech.
        Raises: as `prepare`.
        """


class Diarizer(Protocol):
    """Tells voices apart."""

    def find_turns(
        self, windows: Iterable[SoundWindow], on_position: OnPosition | None = None
    ) -> tuple[SpeakerTurn, ...]:
        """Return who speaks when, in time order, named "Speaker 1", "Speaker 2" by first appearance.

        Turns of different speakers do not overlap. Memory grows with the speech, by about 100 kB a minute.
        """


class Jobs(Protocol):
    """Has interviews processed, later and surely.

    The database says what is to be done, and an attempt that was cancelled there ends by itself; so this only
    makes things prompt.
    """

    def enqueue(self, interview_id: str) -> None:
        """Have the interview's present attempt processed. Twice does it once; called after the commit."""


class ParticipationLog(Protocol):
    """Keeps who took part in which interview, outside of ingest; `app/participation.py` provides it.

    Both calls look at what is stored and may be made any number of times: a step that is done again after a crash
    makes them again. They open transactions of their own, so they are made outside of ours.
    """

    def settle(self, interview_id: str) -> None:
        """Bring the log in step with the interview. Called just before it becomes ready, when a ready one was sent
        again (its date or people may have changed), and after a deletion (a worker may have settled meanwhile).
        """

    def forget(self, interview_id: str) -> None:
        """Drop the interview from the log; called before it is deleted, so that a crash leaves one to delete again."""


class NoParticipationLog:
    """Nobody wants to know."""

    def settle(self, interview_id: str) -> None: ...

    def forget(self, interview_id: str) -> None: ...


class PassageIndex(Protocol):
    """Makes passages findable. `search` provides it; `app/wiring.py` hands it over."""

    def embed(self, interview_id: str, on_progress: Callable[[float], None]) -> None:
        """Store the vectors the interview lacks; `on_progress` gets 0 … 1."""

    def index(self, interview_id: str) -> None:
        """Bring full text and vector index in step with the interview's passages, deleted ones included."""
