"""What the OpenAPI document says beside what FastAPI knows: how callers are known, and how every error looks."""

from typing import Any

from fastapi import FastAPI

from app.api.problems import MEDIA_TYPE

_PROBLEMS = {
    400: "The request could not be read.",
    401: "Nobody known is calling: no key or session, or one that has ended.",
    403: "Whoever is calling may not do this.",
    404: "There is no such thing, or the caller may not know of it.",
    405: "The route does not know this method.",
    409: "The present state refuses it: not eligible, lapsed, in use, or lost to somebody faster.",
    410: "It was here and is gone for good: the person was erased.",
    412: "It was changed since it was read, or the protocol's version is another one.",
    413: "The body or the batch is larger than is taken.",
    422: "Wrong whatever the state; `errors` names the fields.",
    429: "Too many requests of this key: Retry-After says when to come back.",
    503: "A part that Earshot needs is missing for now, such as a model.",
}
_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "An error (RFC 9457). `code` is stable and meant for programs; further members depend on it.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
    },
    "additionalProperties": True,
}
_SECURITY = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key; its scopes bound what it may do."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "earshot_session",
        "description": "A signed-in browser; what changes something also needs its form token as X-CSRF-Token. Behind "
        "TLS the cookie's name begins with __Host-.",
    },
}


def describe_errors(app: FastAPI) -> None:
    """Make the app's document name callers' credentials and, at every route of the API, the errors it may answer."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(made())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)  # FastAPI's own words for 422, which no route of ours says
    schemas["Problem"] = _SCHEMA
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    components["responses"] = {
        f"Problem{status}": {"description": sentence, "content": content} for status, sentence in _PROBLEMS.items()
    }
    components["securitySchemes"] = _SECURITY
    for path, item in document["paths"].items():
        if path.startswith("/api/v1/"):
            for operation in item.values():
                operation["security"] = [{name: []} for name in _SECURITY]
                for status in _PROBLEMS:
                    operation["responses"][str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    return document
