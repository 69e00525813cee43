"""Writes docs/openapi.json: `python -m tools.openapi_document > docs/openapi.json` (or `make docs`).

The application is built over an empty folder that is removed afterwards; nothing is started and no model is loaded.
A test compares the file with what this prints, so a route cannot change without its description.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.main import create_app
from app.wiring import build_services
from core.settings import Settings


def openapi_document() -> dict[str, Any]:
    """Return the API's OpenAPI 3.1 description."""
    with TemporaryDirectory() as folder:
        services = build_services(Settings(data_dir=Path(folder)))
        try:
            return create_app(services).openapi()
        finally:
            services.search.close()
            services.database.engine.dispose()


def written(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    print(written(openapi_document()), end="")
