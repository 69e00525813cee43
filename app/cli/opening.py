"""Opens the workspace for a command: settings, the newest schema, the services."""

import json
import sys
from typing import Any, NoReturn

import typer
from pydantic import ValidationError

from app.services import Services
from core.settings import Settings


def open_settings() -> Settings:
    """Return the settings of the environment; a wrong one ends the command with its sentence."""
    try:
        return Settings()
    except ValidationError as error:
        for failure in error.errors():
            name = "EARSHOT_" + str(failure["loc"][0]).upper() if failure["loc"] else "settings"
            typer.echo(f"earshot: {name}: {failure['msg']}", err=True)
        raise SystemExit(2) from error


def open_services() -> Services:
    """Return the services over a migrated database; no model is loaded yet."""
    from app.wiring import build_services

    return build_services(open_settings())


def write_json(value: Any) -> None:
    """Write one JSON document to stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def fail(sentence: str, status: int = 1) -> NoReturn:
    """End the command with a sentence on stderr."""
    typer.echo(f"earshot: {sentence}", err=True)
    raise SystemExit(status)
