"""The house rules, held by measuring: sizes, names, layers, and nothing of the machine it was built on.

A rule that is broken on purpose gets one line below, with its reason; everything else is mended instead.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = ("app", "contact_registry", "core", "ingest", "search")
CODE = (*PACKAGES, "bench", "tests", "tools")

PYTHON_FILE_LINES = 400
PYTHON_FUNCTION_LINES = 60
JAVASCRIPT_LINES = 250
TEMPLATE_LINES = 200

# path: why it may be longer
LONGER_FILES: dict[str, str] = {}
# path::function: why it may be longer
LONGER_FUNCTIONS: dict[str, str] = {}

MEANINGLESS_MODULES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "data", "process"}
MEANINGLESS_CLASS_ENDINGS = ("Manager", "Helper", "Helpers", "Utils", "Util", "Processor")

HEAVY = {"ctranslate2", "faiss", "faster_whisper", "pymilvus", "sentence_transformers", "torch", "transformers"}


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders or CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "versions" not in path.parts:  # migrations are generated
                yield path


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def line_count(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def layers_contract() -> list[str]:
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [name.strip() for layer in layers for name in layer.split("|")]


def test_no_python_file_is_longer_than_its_stop() -> None:
    too_long = {
        name_of(path): line_count(path)
        for path in python_files()
        if line_count(path) > PYTHON_FILE_LINES and name_of(path) not in LONGER_FILES
    }
    assert not too_long, f"split by concept (stop: {PYTHON_FILE_LINES} lines): {too_long}"


def test_no_function_is_longer_than_its_stop() -> None:
    too_long = {}
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            assert node.end_lineno is not None
            lines = node.end_lineno - node.lineno + 1
            place = f"{name_of(path)}::{node.name}"
            if lines > PYTHON_FUNCTION_LINES and place not in LONGER_FUNCTIONS:
                too_long[place] = lines
    assert not too_long, f"split (stop: {PYTHON_FUNCTION_LINES} lines): {too_long}"


def test_no_script_and_no_template_is_longer_than_its_stop() -> None:
    scripts = [path for path in (ROOT / "frontend/static").rglob("*.js") if "vendor" not in path.parts]
    templates = list((ROOT / "frontend/templates").rglob("*.html"))
    too_long = {
        name_of(path): line_count(path)
        for paths, stop in ((scripts, JAVASCRIPT_LINES), (templates, TEMPLATE_LINES))
        for path in paths
        if line_count(path) > stop and name_of(path) not in LONGER_FILES
    }
    assert not too_long, f"split (stops: {JAVASCRIPT_LINES} and {TEMPLATE_LINES} lines): {too_long}"


def test_an_exception_is_removed_when_it_is_no_longer_needed() -> None:
    unneeded = [name for name in LONGER_FILES if not (ROOT / name).exists()]
    unneeded += [place for place in LONGER_FUNCTIONS if not (ROOT / place.split("::")[0]).exists()]
    assert not unneeded


def test_modules_and_classes_have_names_that_say_something() -> None:
    vague = [name_of(path) for path in python_files() if path.stem in MEANINGLESS_MODULES]
    for path in python_files():
        vague += [
            f"{name_of(path)}::{node.name}"
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ClassDef) and node.name.endswith(MEANINGLESS_CLASS_ENDINGS)
        ]
    assert not vague


def test_every_module_says_what_it_is() -> None:
    silent = [
        name_of(path)
        for path in python_files(*PACKAGES, "bench", "tools")
        if (tree := ast.parse(path.read_text(encoding="utf-8"))).body and not ast.get_docstring(tree)
    ]
    assert not silent


def test_the_layers_are_the_packages_there_are() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"bench", "tests", "tools"}
    assert folders == set(PACKAGES)
    assert set(PYPROJECT["tool"]["importlinter"]["root_packages"]) == folders
    assert set(layers_contract()) == folders


def test_what_the_wheel_carries_is_the_program_with_its_pages_and_samples() -> None:
    carried = set(PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert carried == {*PACKAGES, "frontend", "samples"}


def heavy_importers() -> set[str]:
    """Modules (dotted) of the program that import a heavy library, at module level or when they need it."""
    found = set()
    for path in python_files(*PACKAGES):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            roots: set[str] = set()
            if isinstance(node, ast.Import):
                roots = {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                roots = {node.module.split(".")[0]}
            if roots & HEAVY:
                found.add(name_of(path).removesuffix(".py").replace("/", "."))
    return found


def test_only_protected_adapters_touch_a_heavy_library() -> None:
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    protected = {name for one in contracts if one["type"] == "protected" for name in one["protected_modules"]}
    assert heavy_importers() <= protected


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    code = f"import sys, app.cli; print(sorted({HEAVY!r} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_no_file_names_the_machine_it_was_written_on() -> None:
    of_a_machine = re.compile(r"/(?:work|root|Users|home/\w+)/\w|/tmp/[e]arshot|file:/{3}")
    suffixes = {".cfg", ".css", ".html", ".js", ".json", ".md", ".py", ".toml", ".txt", ".yaml", ".yml", ""}
    folders = [ROOT / name for name in (*CODE, ".ci", "deploy", "docs", "frontend", "samples")]
    files = [path for path in ROOT.iterdir() if path.is_file()]
    files += [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    found = [
        name_of(path)
        for path in files
        if path.suffix in suffixes
        and "__pycache__" not in path.parts
        and of_a_machine.search(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert not found
