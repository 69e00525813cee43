"""How states look: a word, an icon and a tone for each, so that no page gives meaning by colour alone."""

from dataclasses import dataclass

from app.access.users import UserView
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

_ROW_LOOKS = {
    "duplicate": Look("Twice in the list", "document", "calm"),
    "error": Look("Not checked", "warning", "stop"),
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


def consent_looks(interview: InterviewOut) -> list[Look]:
    """Return the badges of what the participants limited."""
    if interview.withdrawn_at is not None:
        return [Look("Withdrawn", "cross", "stop")]
    found = []
    if not interview.is_quotable:
        found.append(Look("Not to be quoted", "stop", "stop"))
    if not interview.is_shareable:
        found.append(Look("Inside only", "warning", "wait"))
    if interview.media_removed_at is not None:
        found.append(Look("Recording removed", "hourglass", "calm"))
    elif interview.keep_until is not None and interview.has_recording:
        day = interview.keep_until
        found.append(Look(f"Kept until {day.day} {day:%b %Y}", "hourglass", "note"))
    return found


def contact_look(badge: str) -> Look:
    """Return the badge of a check's answer."""
    return _CONTACT_LOOKS.get(badge, _UNKNOWN)


def batch_look(badge: str | None, is_duplicate: bool) -> Look:
    """Return the badge of a list's row, which may also repeat somebody or be wrong."""
    return contact_look(badge) if badge else _ROW_LOOKS["duplicate" if is_duplicate else "error"]


def count_look(word: str) -> Look:
    """Return the badge of a count over a list's rows."""
    return _ROW_LOOKS.get(word) or contact_look(word)


def reason_look(code: str) -> Look:
    """Return the badge of one failing rule."""
    return _REASON_LOOKS.get(code, _UNKNOWN)


def touchpoint_look(status: str) -> Look:
    """Return the badge of a touchpoint's status."""
    return _TOUCHPOINT_LOOKS.get(status, _UNKNOWN)


def user_look(user: UserView) -> Look:
    """Return the badge that says whether somebody can come in."""
    if user.disabled_at is not None:
        return Look("Disabled", "stop", "stop")
    return Look("Invited", "hourglass", "wait") if user.is_invited else Look("Active", "tick", "good")


def consent_look(state: str) -> Look:
    """Return the badge of a statement about consent."""
    return Look("Agreed", "tick", "good") if state == "granted" else Look("Took it back", "stop", "stop")


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


IMPORT_OUTCOMES = {
    "created": Look("Created", "tick", "good"),
    "updated": Look("Updated", "tick", "note"),
    "unchanged": Look("Unchanged", "tick", "calm"),
    "duplicate_in_file": Look("Twice in the file", "document", "calm"),
    "suppressed": Look("Not stored", "stop", "calm"),
    "contact_only": Look("Person only", "people", "note"),
    "error": Look("Error", "warning", "stop"),
}
