"""The API's own documentation at /api/docs: Swagger UI from an installed package, so no public network is asked."""

from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from app.pages.dependencies import static_url

router = APIRouter(include_in_schema=False)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Earshot API</title>
<link rel="stylesheet" href="/api/docs/assets/swagger-ui.css">
<link rel="icon" href="{icon}">
</head>
<body>
<main id="swagger-ui"></main>
<noscript>This page needs JavaScript; the document is at <a href="/api/openapi.json">/api/openapi.json</a>.</noscript>
<script src="/api/docs/assets/swagger-ui-bundle.js"></script>
<script src="{script}"></script>
</body>
</html>
"""


@router.get("/api/docs", response_class=HTMLResponse)
def api_docs() -> HTMLResponse:
    return HTMLResponse(_PAGE.format(icon=static_url("favicon.svg"), script=static_url("js/api-docs.js")))


def docs_assets() -> StaticFiles:
    """Return the files of Swagger UI as the package fastapi-offline carries them."""
    spec = find_spec("fastapi_offline")
    assert spec is not None
    assert spec.origin is not None
    return StaticFiles(directory=Path(spec.origin).parent / "static")
