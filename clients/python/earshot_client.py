"""Earshot's contact registry for Python programs: one file to copy, which needs httpx and Python 3.11.

    with Earshot("https://earshot.example.org", key) as earshot:
        check = earshot.check("jana@bakery.example", team="research", channel="email", purpose="survey")
        if check:  # true only for a clear yes
            held = earshot.reserve("jana@bakery.example", team="research", channel="email", purpose="survey")
            send_the_invitation()
            earshot.confirm(held.id)

A check is advice; only a claim (`reserve`, `book`) binds. Everything fails closed: when the registry cannot be reached
or answers with anything but a clear answer, `RegistryUnavailable` is raised, and then nobody may be contacted.
Claims and records carry an idempotency key, so a call that was cut off is repeated without claiming twice.
"""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx

_Answer = TypeVar("_Answer")
_INSTANTS = frozenset({"at", "checked_at", "next_eligible_at", "clears_at", "expires_at"})


class EarshotError(Exception):
    """The call did not do what was asked."""


class RegistryUnavailable(EarshotError):  # noqa: N818 - reads as a sentence where it is caught
    """Nobody said yes or no: not reached, too slow, broken, or an answer that makes no sense. Contact nobody."""


class Refused(EarshotError):  # noqa: N818
    """The request was understood and turned down; `code` is stable, `problem` the whole RFC 9457 document."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", "unknown"))
        self.problem = problem
        super().__init__(f"{self.code}: {problem.get('detail', '')}")


class NotEligible(Refused):
    """A claim was refused by the rules; says from when on it is possible, None when no date is known."""

    @property
    def next_eligible_at(self) -> datetime | None:
        text = self.problem.get("next_eligible_at")
        return None if text is None else datetime.fromisoformat(str(text))

    @property
    def badge(self) -> str:
        return str(self.problem.get("badge", ""))


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    ref: str
    message: str
    clears_at: datetime | None
    overridable: bool


@dataclass(frozen=True, slots=True)
class Check:
    """An answer of `checked_at`; true only when the person may be contacted at `at`."""

    decision: str
    status: str
    badge: str
    message: str
    contact: str | None
    at: datetime
    checked_at: datetime
    next_eligible_at: datetime | None
    policy_version: int
    reasons: tuple[Reason, ...]

    def __bool__(self) -> bool:
        return self.decision == "eligible"


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One line of a batch; true only for a clear yes. A line that could not be read has an `error`."""

    index: int
    status: int
    decision: str | None
    badge: str | None
    contact: str | None
    next_eligible_at: datetime | None
    error: str | None
    message: str | None

    def __bool__(self) -> bool:
        return self.decision == "eligible"


@dataclass(frozen=True, slots=True)
class Touchpoint:
    id: str
    status: str
    contact: str | None
    at: datetime
    team: str
    channel: str
    purpose: str
    engagement: str | None
    expires_at: datetime | None
    external_id: str | None
    revision: int


@dataclass(frozen=True, slots=True)
class Contact:
    id: str
    name: str | None
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    account: str | None
    tz: str | None
    segments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """A list too long to be answered at once: queued, running, done or failed; kept until `expires_at`."""

    id: str
    status: str
    rows: int
    rows_done: int
    expires_at: datetime
    import_id: str | None
    error: Mapping[str, str] | None


class Earshot:
    """A connection to one Earshot. People are named by address, or by the id of a contact. Instants are aware."""

    def __init__(
        self, base_url: str, key: str, *, timeout_s: float = 10.0, tries: int = 3, http: httpx.Client | None = None
    ) -> None:
        self._http = http or httpx.Client(base_url=base_url, timeout=timeout_s)
        self._headers = {"Authorization": f"Bearer {key}"}
        self._tries = max(1, tries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def check(
        self,
        who: str,
        *,
        team: str,
        channel: str,
        purpose: str,
        at: datetime | None = None,
        engagement: str | None = None,
    ) -> Check:
        """Ask whether somebody may be contacted at `at` (default: now)."""
        asked = _question(who, team=team, channel=channel, purpose=purpose, at=at, engagement=engagement)
        return _check(self._call("POST", "/api/v1/eligibility/check", asked))

    def batch_check(
        self, people: Sequence[str], *, team: str, channel: str, purpose: str, at: datetime | None = None
    ) -> list[BatchItem]:
        """Ask for up to 100,000 people, more than 1,000 in a while; the answers come in the same order."""
        asked: dict[str, Any] = {"defaults": _given(team=team, channel=channel, purpose=purpose, at=at)}
        asked["items"] = [_person(who) for who in people]
        answer = self._call("POST", "/api/v1/eligibility/batch-check", asked)
        if "job" in _dict(answer):
            answer = self.result(self.wait(str(answer["job"])).id)
        items = [_read(BatchItem, item) for item in _list(answer, "items")]
        if [item.index for item in items] != list(range(len(people))):
            raise RegistryUnavailable("the registry did not answer for everybody who was asked about")
        return items

    def check_file(
        self, content: bytes, *, team: str, channel: str, purpose: str, at: datetime | None = None
    ) -> bytes | Job:
        """Send a CSV file with a column email: it comes back with the answers behind its columns, or as a Job."""
        asked = _given(team=team, channel=channel, purpose=purpose, at=at)
        response = self._send("POST", "/api/v1/eligibility/csv-check/result.csv", content=content, params=asked)
        return self._taken(response) or _file_of(response)

    def import_file(
        self, content: bytes, *, dry_run: bool = False, key: str | None = None, **told: str
    ) -> dict[str, Any] | Job:
        """Send a CSV file of history: its outcome, or a Job. `told`: team, channel, purpose, tz … of all rows."""
        params = {**told, "dry_run": "true" if dry_run else "false"}
        response = self._send("POST", "/api/v1/imports/csv", content=content, params=params, key=_key(key))
        return self._taken(response) or _dict(_answer_of(response))

    def job(self, job_id: str) -> Job:
        """Return how far a long list is. Raises Refused `job_not_found`."""
        return _read(Job, self._call("GET", "/api/v1/jobs/{}", part=job_id))

    def wait(self, job_id: str, *, every_s: float = 1.0, timeout_s: float = 3600.0) -> Job:
        """Return the job once it is done. Raises RegistryUnavailable when it failed or has not ended by then."""
        until = time.monotonic() + timeout_s
        while (job := self.job(job_id)).status in ("queued", "running") and time.monotonic() < until:
            time.sleep(every_s)
        if job.status != "done":
            raise RegistryUnavailable(f"job {job_id} is {job.status}, {job.rows_done} of {job.rows} rows: {job.error}")
        return job

    def result(self, job_id: str) -> dict[str, Any]:
        """Return the answer of a job that is done, in the shape of a short list's. Raises Refused `job_not_done`."""
        return _dict(self._call("GET", "/api/v1/jobs/{}/result", part=job_id))

    def result_file(self, job_id: str) -> bytes:
        """Return the file that was sent with the answers behind its columns. Raises Refused `job_not_done`."""
        return _file_of(self._send("GET", "/api/v1/jobs/{}/result", params={"format": "csv"}, part=job_id))

    def reserve(
        self,
        who: str,
        *,
        team: str,
        channel: str,
        purpose: str,
        at: datetime | None = None,
        engagement: str | None = None,
        ttl: str = "PT15M",
        key: str | None = None,
    ) -> Touchpoint:
        """Hold a place until `expires_at`. Raises NotEligible. The same `key` again gives the same reservation."""
        asked = _question(who, team=team, channel=channel, purpose=purpose, at=at, engagement=engagement)
        return _read(Touchpoint, self._call("POST", "/api/v1/reservations", {**asked, "ttl": ttl}, key=_key(key)))

    def confirm(self, reservation_id: str) -> Touchpoint:
        """Turn a reservation into a booking. Raises Refused `reservation_expired`, NotEligible."""
        return _read(Touchpoint, self._call("POST", "/api/v1/reservations/{}/confirm", part=reservation_id))

    def release(self, reservation_id: str) -> Touchpoint:
        """Give a reservation up."""
        return _read(Touchpoint, self._call("POST", "/api/v1/reservations/{}/release", part=reservation_id))

    def book(self, who: str, at: datetime, *, key: str | None = None, **named: str) -> Touchpoint:
        """Plan a contact at once: team, channel, purpose, and perhaps engagement, external_id. Raises NotEligible."""
        return self._touchpoint(who, at, "planned", key, named)

    def record(
        self, who: str, at: datetime, *, status: str = "completed", key: str | None = None, **named: str
    ) -> Touchpoint:
        """Tell of a contact that took place (or `no_show`); with an `external_id`, telling twice is telling once."""
        return self._touchpoint(who, at, status, key, named)

    def reschedule(self, touchpoint_id: str, at: datetime) -> Touchpoint:
        """Move a booking; when the new time is refused (NotEligible) the old one stays."""
        return _read(Touchpoint, self._call("PATCH", "/api/v1/touchpoints/{}", _given(at=at), part=touchpoint_id))

    def set_outcome(self, touchpoint_id: str, status: str) -> Touchpoint:
        """Say how it ended: completed, no_show, cancelled or voided."""
        return _read(Touchpoint, self._call("PATCH", "/api/v1/touchpoints/{}", {"status": status}, part=touchpoint_id))

    def contact(self, contact_id: str) -> Contact:
        """Return the contact, or whoever it was merged into. Raises Refused `contact_not_found`, `contact_erased`."""
        return _read(Contact, self._call("GET", "/api/v1/contacts/{}", part=contact_id))

    def add_contact(self, name: str | None, emails: Sequence[str], *, key: str | None = None) -> Contact:
        """Add a person. Raises Refused `address_taken`."""
        told = _given(name=name, emails=list(emails))
        return _read(Contact, self._call("POST", "/api/v1/contacts", told, key=_key(key)))

    def opt_out(self, who: str, *, source: str = "opt_out", key: str | None = None) -> str:
        """See to it that nobody contacts this person any more, and return the suppression's id."""
        answer = self._call("POST", "/api/v1/suppressions", {"subject": _person(who), "source": source}, key=_key(key))
        return str(_dict(answer)["id"])

    def _touchpoint(self, who: str, at: datetime, status: str, key: str | None, named: Mapping[str, str]) -> Touchpoint:
        told = {**_person(who), **_given(at=at), "status": status, **named}
        return _read(Touchpoint, self._call("POST", "/api/v1/touchpoints", told, key=_key(key)))

    def _taken(self, response: httpx.Response) -> Job | None:
        return self.job(str(_dict(_answer_of(response)).get("job"))) if response.status_code == 202 else None

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, part: str = "", key: str | None = None
    ) -> Any:
        """Send it and return the JSON of a success."""
        return _answer_of(self._send(method, path, json=body, part=part, key=key))

    def _send(self, method: str, path: str, *, part: str = "", key: str | None = None, **sent: Any) -> httpx.Response:
        """Send it, again when it was cut off; `part` fills the path's `{}`."""
        url = path.format(quote(part, safe=""))
        headers = self._headers if key is None else {**self._headers, "Idempotency-Key": key}
        if "content" in sent:
            headers = {**headers, "Content-Type": "text/csv"}
        # a move without a key is not repeated: it may have been followed by another one
        tries = self._tries if method != "PATCH" else 1
        for number in range(1, tries + 1):
            try:
                response = self._http.request(method, url, headers=headers, follow_redirects=False, **sent)
            except httpx.HTTPError as error:
                problem = f"the registry was not reached ({type(error).__name__})"
            else:
                if response.status_code < 500:
                    return response
                problem = f"the registry answered with status {response.status_code}"
            if number < tries:
                time.sleep(0.2 * number)
        raise RegistryUnavailable(f"{problem}: take it as a no")


def _answer_of(response: httpx.Response) -> Any:
    try:
        body = response.json()
    except ValueError as error:
        raise RegistryUnavailable(f"status {response.status_code} without JSON: is this an Earshot?") from error
    if response.is_success:
        return body
    if not response.is_client_error:
        raise RegistryUnavailable(f"the registry answered with status {response.status_code}")
    problem = _dict(body)
    raise (NotEligible if problem.get("code") == "not_eligible" else Refused)(response.status_code, problem)


def _file_of(response: httpx.Response) -> bytes:
    if response.status_code == 200 and response.headers.get("content-type", "").startswith("text/csv"):
        return response.content
    _answer_of(response)
    raise RegistryUnavailable("the registry's answer is not a CSV file")


def _check(body: Any) -> Check:
    answer = _dict(body)
    check = _read(Check, {**answer, "reasons": tuple(_read(Reason, one) for one in _list(answer, "reasons"))})
    if check.decision not in ("eligible", "ineligible"):
        raise RegistryUnavailable("the registry's answer is neither yes nor no")
    return check


def _read(kind: type[_Answer], body: Any) -> _Answer:
    """Return the fields that `kind` has; what a newer server says besides is left out."""
    given = _dict(body)
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # kinds are dataclasses
    try:
        return kind(**{name: _value(name, given[name]) for name in names})
    except (KeyError, TypeError, ValueError) as error:
        raise RegistryUnavailable(f"the registry's answer is not a {kind.__name__}") from error


def _value(name: str, value: Any) -> Any:
    if name in _INSTANTS and value is not None:
        return datetime.fromisoformat(value)
    return tuple(value) if isinstance(value, list) else value


def _dict(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise RegistryUnavailable("the registry's answer is not an object")
    return body


def _list(body: Any, name: str) -> list[Any]:
    items = _dict(body).get(name)
    if not isinstance(items, list):
        raise RegistryUnavailable(f"the registry's answer has no {name}")
    return items


def _question(who: str, **named: Any) -> dict[str, Any]:
    return {**_person(who), **_given(**named)}


def _person(who: str) -> dict[str, str]:
    return {"email" if "@" in who else "contact": who}


def _given(**named: Any) -> dict[str, Any]:
    """Return what is not None, instants as text."""
    return {
        name: _text(value) if isinstance(value, datetime) else value
        for name, value in named.items()
        if value is not None
    }


def _text(at: datetime) -> str:
    if at.tzinfo is None:
        raise ValueError("this time has no zone: give one, such as datetime.now(UTC)")
    return at.isoformat()


def _key(key: str | None) -> str:
    return key or str(uuid.uuid4())
