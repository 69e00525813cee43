"""The runner of worked cases: our own cases pass over HTTP, and a wrong expectation is never counted as passed."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from bench.contact_cases import differences, run_files

CASES = Path(__file__).with_name("our_cases.json")


def test_our_cases_pass_and_a_wrong_expectation_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(CASES.read_text(encoding="utf-8"))
    wrong: list[Any] = []
    for case in document["cases"][:2]:
        spoilt = copy.deepcopy(case)
        spoilt["id"] += "-wrong"
        spoilt["steps"][-1]["expect"]["http"] = 299
        wrong.append(spoilt)
    unknown = copy.deepcopy(document["cases"][0])
    unknown["id"], unknown["steps"][0]["op"] = "unknown", "sing"
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps({"version": 1, "cases": [*wrong, unknown]}), encoding="utf-8")
    assert run_files([CASES, file]) == (len(document["cases"]), 3)
    told = capsys.readouterr().out
    assert all(name in told for name in ("O01-wrong", "O02-wrong", "no request is known for 'sing'"))


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": None}, {}),
        ({"a": [1, 2]}, {"a": [1]}),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2, "c": 1}]}),
        ({"a": True}, {"a": 1}),
        ({"a": []}, {"a": None}),
    ],
)
def test_every_key_of_an_expectation_is_compared(expected: Any, found: Any) -> None:
    assert list(differences(expected, found))


def test_keys_that_are_not_expected_are_free() -> None:
    assert not list(differences({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}], "d": 3}))
