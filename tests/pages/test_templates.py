"""Every template compiles, has a title and keeps to the content security policy."""

import re
from pathlib import Path

import pytest

import app.pages
from app.pages.dependencies import FRONTEND, STATIC, templates

TEMPLATES = sorted((FRONTEND / "templates").glob("*.html"))
PAGES = [path for path in TEMPLATES if not path.name.startswith("_") and path.name != "base.html"]
SCRIPTS = sorted((STATIC / "js").glob("*.js"))
SHEETS = sorted((STATIC / "css").glob("*.css"))


def names(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("path", TEMPLATES, ids=names)
def test_a_template_compiles(path: Path) -> None:
    assert templates.env.get_template(path.name).name == path.name


@pytest.mark.parametrize("path", PAGES, ids=names)
def test_a_page_has_a_title_and_one_first_heading(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.search(r"\{% block title %\}.+?\{% endblock %\}", text)
    assert text.count("<h1") == 1
    assert text.startswith('{% extends "base.html" %}')


@pytest.mark.parametrize("path", TEMPLATES, ids=names)
def test_a_template_has_no_inline_script_style_or_handler(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert "<style" not in text
    assert not re.search(r"\s(?:style|on[a-z]+)\s*=", text)
    assert "javascript:" not in text


@pytest.mark.parametrize("path", TEMPLATES, ids=names)
def test_a_template_never_turns_escaping_off(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    marked_safe = re.findall(r"['\"][^'\"]*['\"]+\s*\|\s*safe", text)
    assert text.count("| safe") == len(marked_safe), "only a literal may be marked safe"
    assert "autoescape" not in text


@pytest.mark.parametrize("path", TEMPLATES, ids=names)
def test_every_form_that_changes_something_carries_the_token(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for form in re.findall(r'<form[^>]*method="post".*?</form>', text, flags=re.DOTALL):
        assert "token_field()" in form or 'name="csrf_token"' in form


@pytest.mark.parametrize("path", TEMPLATES, ids=names)
def test_what_templates_ask_of_static_is_there(path: Path) -> None:
    for asked in re.findall(r"static_url\('([^'~]+)'\)", path.read_text(encoding="utf-8")):
        assert (STATIC / asked).is_file()


def test_every_icon_that_is_used_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="([a-z]+)"', (STATIC / "icons.svg").read_text(encoding="utf-8")))
    source = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES)
    used = set(re.findall(r'icon\("([a-z]+)"', source))
    used |= set(re.findall(r'Look\("[^"]+", "([a-z]+)"', Path(app.pages.looks.__file__).read_text(encoding="utf-8")))
    assert used <= drawn


@pytest.mark.parametrize("path", SHEETS, ids=names)
def test_only_the_tokens_name_colours(path: Path) -> None:
    if path.name == "tokens.css":
        return
    colours = re.findall(r"#[0-9a-f]{3,8}\b", re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S))
    assert set(colours) <= {"#000", "#fff"}


@pytest.mark.parametrize("path", [path for path in SCRIPTS if path.name.startswith("es-")], ids=names)
def test_a_custom_element_has_a_file_of_its_own_and_leaves_no_global(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("customElements.define(") == 1
    assert f'customElements.define("{path.stem}"' in text
    assert "window." not in text
    assert "innerHTML" not in text


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of WCAG 2.2, 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _tokens(scheme: str) -> dict[str, str]:
    light, dark = (STATIC / "css" / "tokens.css").read_text(encoding="utf-8").split("@media (prefers-color-scheme")
    known = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", light))
    return known | dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", dark)) if scheme == "dark" else known


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground_as_wcag_asks(scheme: str) -> None:
    tokens = _tokens(scheme)
    grounds = ("paper", "surface")
    pairs = [(ink, ground) for ink in ("ink", "ink-soft", "ink-faint", "accent") for ground in grounds]
    pairs += [("ink-soft", "sunk"), ("on-accent", "accent"), ("on-mark", "mark"), ("accent-strong", "accent-soft")]
    pairs += [("ink", "accent-soft"), ("ink-faint", "sunk")]
    for tone in ("good", "wait", "note", "stop", "calm"):
        pairs += [(tone, f"{tone}-soft"), ("ink", f"{tone}-soft"), (tone, "surface")]
    pairs += [(f"voice-{number}", ground) for number in range(6) for ground in ("paper", "accent-soft", "sunk")]
    weak = {pair: round(contrast(tokens[pair[0]], tokens[pair[1]]), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_edges_of_fields_and_the_focus_stand_out_as_wcag_asks(scheme: str) -> None:
    tokens = _tokens(scheme)
    pairs = [(edge, ground) for edge in ("line-strong", "focus", "accent") for ground in ("paper", "surface")]
    weak = {pair: round(contrast(tokens[pair[0]], tokens[pair[1]]), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 3} == {}
