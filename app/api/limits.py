"""A limit on request bodies, counted while they stream: JSON and forms are small, only uploads are large."""

from fastapi.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem

MAX_JSON_BYTES = 32 * 1024**2  # the largest transcript accepted is 10 MB of text; JSON escapes can triple that
FORM_OVERHEAD_BYTES = 1024**2
_UPLOAD_PATHS = frozenset({"/api/v1/recordings", "/upload"})
_RESUMED_UPLOADS = "/api/v1/uploads/"


class BodyLimit:
    """ASGI middleware that answers 413 as soon as more than the limit is announced or has come."""

    def __init__(self, app: ASGIApp, max_upload_bytes: int) -> None:
        self.app = app
        self._max_upload_bytes = max_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_upload = scope["path"] in _UPLOAD_PATHS or scope["path"].startswith(_RESUMED_UPLOADS)
        limit = self._max_upload_bytes + FORM_OVERHEAD_BYTES if is_upload else MAX_JSON_BYTES
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > limit:
            await _refuse(limit, scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413, _sentence(limit))
            return message

        await self.app(scope, counted, send)


def _sentence(limit: int) -> str:
    return f"The request is larger than the limit of {limit} bytes."


async def _refuse(limit: int, scope: Scope, receive: Receive, send: Send) -> None:
    answer = problem(413, "too_large", "Too large", _sentence(limit), max_bytes=limit)
    answer.headers["connection"] = "close"
    await answer(scope, receive, send)
