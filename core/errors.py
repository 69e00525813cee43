"""The one tree of errors; `app/api` turns them into problem+json bodies and `app/pages` into one HTML page.

AppError
├── BadRequest 400          the request cannot be read
├── Unauthorized 401        no or unknown credentials
├── Forbidden 403           known credentials that may never do this
├── NotFound 404            no such thing, or none that this caller may know of
├── Conflict 409            a good request that the present state refuses
├── Gone 410                it existed and was erased
├── PreconditionFailed 412  If-Match names an older version
├── TooLarge 413            a limit in bytes or items was passed
├── InvalidInput 422        wrong whatever the state
│   └── UnsupportedMedia 422 bytes that are no recording we can read
├── TooManyRequests 429      again after `retry_after` seconds
└── Unavailable 503         a part Earshot needs is missing for now
"""

from typing import Any


class AppError(Exception):
    """An expected failure: HTTP status, stable code, and a sentence that says what was wrong and what to do.

    `message` reaches callers and logs, so it never holds a name, an address or anything somebody said.
    `extra` is merged into the problem body (field names, ids, instants).
    """

    status = 500
    title = "Internal error"

    def __init__(self, code: str, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.extra = extra


class BadRequest(AppError):
    status = 400
    title = "Bad request"


class Unauthorized(AppError):
    status = 401
    title = "Not signed in"


class Forbidden(AppError):
    status = 403
    title = "Not allowed"


class NotFound(AppError):
    status = 404
    title = "Not found"


class Conflict(AppError):
    status = 409
    title = "Conflict"


class Gone(AppError):
    status = 410
    title = "Gone"


class PreconditionFailed(AppError):
    status = 412
    title = "Changed meanwhile"


class TooLarge(AppError):
    status = 413
    title = "Too large"


class InvalidInput(AppError):
    status = 422
    title = "Invalid input"


class UnsupportedMedia(InvalidInput):
    title = "Not a recording"


class TooManyRequests(AppError):
    """Carries `retry_after`, whole seconds, which the answer repeats as its Retry-After header."""

    status = 429
    title = "Too many requests"


class Unavailable(AppError):
    status = 503
    title = "Unavailable"
