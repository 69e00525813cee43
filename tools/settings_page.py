"""Writes docs/settings.md from core/settings.py: `python -m tools.settings_page > docs/settings.md` (or `make docs`).

A test compares the file with what this prints, so a setting cannot change without its page.
"""

from pathlib import Path

from core.settings import Settings

HEADING = """# Settings

Every setting is an environment variable; none is needed to start. This page is made from `core/settings.py` by
`make docs`.

| variable | default | meaning |
|---|---|---|
"""


def _written(value: object) -> str:
    if value is None or value == "":
        return "empty"
    # A pathlib path forgets the leading "./", which tells a reader that the folder is relative.
    return f"`./{value}`" if isinstance(value, Path) and not value.is_absolute() else f"`{value}`"


def settings_page() -> str:
    """Return the page as Markdown, one row for each setting in the order of the class."""
    rows = [
        f"| `EARSHOT_{name.upper()}` | {_written(field.get_default())} | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    ]
    return HEADING + "".join(rows)


if __name__ == "__main__":
    print(settings_page(), end="")
