"""How states look: a word, an icon and a tone for each, so that no page gives meaning by colour alone."""

from dataclasses import dataclass

from ingest.schemas import InterviewOut, InterviewStatus


@dataclass(frozen=True, slots=True)
class Look:
    """`icon` is a symbol of icons.svg; `tone` one of good, wait, note, stop, calm."""

    word: str
    icon: str
    tone: str


_UNKNOWN = Look("Unknown", "question", "calm")

_INTERVIEW_LOOKS = {
    InterviewStatus.RECEIVED: Look("Waiting", "clock", "note"),
    InterviewStatus.NEEDS_MODEL: Look("Needs a speech model", "hourglass", "wait"),
    InterviewStatus.TRANSCRIBING: Look("Transcribing", "mic", "note"),
    InterviewStatus.INDEXING: Look("Indexing", "search", "note"),
    InterviewStatus.READY: Look("Ready", "tick", "good"),
    InterviewStatus.FAILED: Look("Failed", "warning", "stop"),
    InterviewStatus.CANCELLED: Look("Cancelled", "stop", "calm"),
}

_CONTACT_LOOKS = {
    "eligible": Look("Eligible", "tick", "good"),
    "cooling_down": Look("Cooling down", "hourglass", "wait"),
    "limit_reached": Look("Limit reached", "gauge", "wait"),
    "reserved": Look("Reserved", "clock", "note"),
    "not_now": Look("Not now", "moon", "calm"),
    "needs_consent": Look("Needs consent", "document", "wait"),
    "do_not_contact": Look("Do not contact", "stop", "stop"),
    "unknown_person": Look("Unknown person", "question", "calm"),
}

_REASON_LOOKS = {
    "do_not_contact": _CONTACT_LOOKS["do_not_contact"],
    "consent": _CONTACT_LOOKS["needs_consent"],
    "min_gap": _CONTACT_LOOKS["cooling_down"],
    "frequency_cap": _CONTACT_LOOKS["limit_reached"],
    "blackout": _CONTACT_LOOKS["not_now"],
    "quiet_hours": _CONTACT_LOOKS["not_now"],
}

_TOUCHPOINT_LOOKS = {
    "reserved": Look("Reserved", "clock", "note"),
    "planned": Look("Planned", "clock", "note"),
    "completed": Look("Took place", "tick", "good"),
    "no_show": Look("Did not come", "question", "calm"),
    "cancelled": Look("Called off", "cross", "calm"),
    "expired": Look("Expired", "hourglass", "calm"),
    "voided": Look("Entered by mistake", "cross", "calm"),
}

_MOVING = frozenset({InterviewStatus.RECEIVED, InterviewStatus.TRANSCRIBING, InterviewStatus.INDEXING})

_STEPS = (
    ("transcribe", "Write down", "Writing down what is said."),
    ("diarize", "Tell voices apart", "Telling the voices apart."),
    ("split", "Split into passages", "Splitting the text into passages."),
    ("embed", "Understand", "Reading the passages for their meaning."),
    ("index", "Make findable", "Making it findable."),
)


def status_look(status: str) -> Look:
    """Return the badge of an interview's status."""
    return _INTERVIEW_LOOKS.get(InterviewStatus(status), _UNKNOWN)


def contact_look(badge: str) -> Look:
    """Return the badge of a check's answer."""
    return _CONTACT_LOOKS.get(badge, _UNKNOWN)


def reason_look(code: str) -> Look:
    """Return the badge of one failing rule."""
    return _REASON_LOOKS.get(code, _UNKNOWN)


def touchpoint_look(status: str) -> Look:
    """Return the badge of a touchpoint's status."""
    return _TOUCHPOINT_LOOKS.get(status, _UNKNOWN)


def is_moving(status: str) -> bool:
    """Say whether work on the interview is waiting or under way, so that the page should ask again."""
    return status in _MOVING


def status_words() -> list[tuple[str, str]]:
    """Return the statuses for a list of choices."""
    return [(status.value, look.word) for status, look in _INTERVIEW_LOOKS.items()]


def progress_sentence(interview: InterviewOut) -> str:
    """Return what is being done, without a figure: it is read aloud when it changes."""
    for step, _, sentence in _STEPS:
        if step == interview.step:
            return sentence
    return "Waiting for its turn." if interview.status == InterviewStatus.RECEIVED else "Working on it."


def steps(interview: InterviewOut) -> list[tuple[str, str, str]]:
    """Return (step, word, state) for each step this interview goes through; state is done, now or ahead."""
    shown = [step for step in _STEPS if interview.has_recording or step[0] not in ("transcribe", "diarize")]
    names = [step for step, _, _ in shown]
    current = names.index(interview.step) if interview.step in names else -1
    states = ["done" if place < current else "now" if place == current else "ahead" for place in range(len(shown))]
    return [(step, word, state) for (step, word, _), state in zip(shown, states, strict=True)]
