"""The documentation is held against the program: files, commands, settings and tables it names are there."""

import re
import tomllib
from pathlib import Path

import typer.main
from sqlmodel import SQLModel

from app.cli import cli
from core.settings import Settings
from tools.settings_page import settings_page

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "samples/README.md", *sorted((ROOT / "docs").rglob("*.md"))]

# Variables of the environment that are no settings of the program, and why they are named somewhere.
NOT_SETTINGS = {
    "EARSHOT_TEST_POSTGRES_URL",  # where the tests behind the marker `postgres` find a server
    "EARSHOT_TEST_MULTILINGUAL_MODEL",  # the model that the test of German questions asks
    "EARSHOT_HYPOTHESIS_PROFILE",  # how many examples the property-based tests draw
}


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_settings_page_is_current() -> None:
    assert text_of("docs/settings.md") == settings_page(), "run: make docs"


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_every_variable_that_is_named_is_a_setting() -> None:
    known = {f"EARSHOT_{name.upper()}" for name in Settings.model_fields} | NOT_SETTINGS
    files = [*PAGES, ROOT / "Makefile", ROOT / "Dockerfile", ROOT / ".env.example", *(ROOT / "deploy").iterdir()]
    for folder in ("app", "contact_registry", "core", "ingest", "search", "frontend/templates"):
        files += [path for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".html"}]
    named = {name: path for path in files for name in re.findall(r"EARSHOT_[A-Z_]*[A-Z]", path.read_text("utf-8"))}
    assert {name: str(path) for name, path in named.items() if name not in known} == {}


def test_every_file_that_a_page_names_is_there() -> None:
    missing = set()
    for page in PAGES:
        for name in re.findall(
            r"`([\w./-]+/[\w.-]+\.(?:py|md|json|html|js|yaml|toml|service))`", page.read_text("utf-8")
        ):
            if not ((ROOT / name).exists() or (page.parent / name).exists()):
                missing.add(f"{page.name}: {name}")
    assert missing == set()


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = set()
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
            if not target.startswith(("http:", "https:")) and not (page.parent / target).exists():
                broken.add(f"{page.name}: {target}")
    assert broken == set()


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    named = {
        name for page in PAGES for name in re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text("utf-8"), re.MULTILINE)
    }
    assert named <= targets


def test_every_command_that_a_page_names_exists() -> None:
    group = typer.main.get_command(cli)
    commands = set(getattr(group, "commands", {}))
    named = {
        name
        for page in PAGES
        for name in re.findall(r"(?:`|^|bin/)earshot ([a-z][a-z-]*)", page.read_text("utf-8"), re.MULTILINE)
    }
    assert named
    assert named <= commands


def test_every_table_has_its_word_in_the_glossary() -> None:
    import app.schema  # noqa: F401  (imports every table)

    glossary = text_of("docs/glossary.md").lower()
    without = {
        table
        for table in SQLModel.metadata.tables
        if not any(word in glossary for word in (table.replace("_", " "), *table.split("_")))
    }
    assert without == set()


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs/decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_version_is_the_same_everywhere() -> None:
    from app.main import VERSION

    version = tomllib.loads(text_of("pyproject.toml"))["project"]["version"]
    assert version == VERSION
    assert f"## [{version}]" in text_of("CHANGELOG.md")


def test_the_description_of_the_api_is_current() -> None:
    from tools.openapi_document import openapi_document, written

    assert text_of("docs/openapi.json") == written(openapi_document()), "run: make docs"
