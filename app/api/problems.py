"""Errors as RFC 9457 problem bodies, for every route: the app's own, FastAPI's validation, unknown routes and bugs.

Input values are never echoed: they may be personal data.
"""

import logging
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from core.errors import AppError
from core.ids import new_id

logger = logging.getLogger("earshot.api")

MEDIA_TYPE = "application/problem+json"
_TITLES = {400: "Bad request", 404: "Not found", 405: "Method not allowed", 413: "Too large"}
_HTTP_CODES = {400: "bad_request", 404: "no_such_route", 405: "method_not_allowed", 413: "too_large"}


def problem(status: int, code: str, title: str, detail: str, **extra: Any) -> Response:
    """Return a problem response; `extra` members stand beside the standard ones."""
    body = {
        **extra,
        "type": f"/problems/{code.replace('_', '-')}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
    }
    headers = {"WWW-Authenticate": 'Bearer realm="earshot"'} if status == 401 else None
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def from_app_error(error: AppError) -> Response:
    answer = problem(error.status, error.code, error.title, error.message, **error.extra)
    if "retry_after" in error.extra:
        answer.headers["Retry-After"] = str(error.extra["retry_after"])
    return answer


def from_validation_error(error: RequestValidationError) -> Response:
    """Name each bad field and what is wrong with it; undecodable JSON is 400."""
    failures = error.errors()
    if any(failure["type"] == "json_invalid" for failure in failures):
        return problem(400, "invalid_json", "Bad request", "The body is not valid JSON.")
    errors = [{"field": _field(failure["loc"]), "message": failure["msg"]} for failure in failures]
    first = errors[0] if errors else {"field": "", "message": "invalid"}
    detail = f"{first['field'] or 'body'}: {first['message']}"
    return problem(422, "invalid_input", "Invalid input", detail, errors=errors)


def from_http_exception(error: HTTPException) -> Response:
    title = _TITLES.get(error.status_code, "Request refused")
    code = _HTTP_CODES.get(error.status_code, "refused")
    return problem(error.status_code, code, title, str(error.detail))


def from_bug(request: Request, error: Exception) -> Response:
    """Log the failure with an id and return that id: the body says nothing else about it."""
    failure_id = new_id("err")
    logger.error("unexpected failure %s at %s", failure_id, request.scope.get("route"), exc_info=error)
    return problem(500, "internal_error", "Internal error", f"Something broke; the log has it as {failure_id}.")


def _field(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location if part not in ("body", "query", "path", "header"))
