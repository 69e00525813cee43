"""The audit fails for a known vulnerability and for an answer nobody understands, never for a lack of network."""

import json

import pytest

from tools.audit_dependencies import read_report

CLEAN = {"name": "fastapi", "version": "1.0", "vulns": []}
BAD = {"name": "oldlib", "version": "0.1", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["0.2"]}]}
SKIPPED = {"name": "ours", "skip_reason": "not published"}


def report(*packages: object) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_a_known_vulnerability_is_named_with_its_remedy() -> None:
    assert read_report(report(CLEAN, BAD, SKIPPED), "").vulnerabilities == ["oldlib 0.1: PYSEC-2026-1, mended in 0.2"]


def test_no_vulnerability_is_none() -> None:
    assert read_report(report(CLEAN, SKIPPED), "").vulnerabilities == []


def test_a_mirror_without_advisories_is_no_clean_bill() -> None:
    assert read_report(report(SKIPPED), "").vulnerabilities is None


@pytest.mark.parametrize("error", ["requests.exceptions.ConnectionError: refused", "Failed to resolve 'somewhere'"])
def test_a_service_out_of_reach_is_no_clean_bill(error: str) -> None:
    assert read_report("", error).vulnerabilities is None


@pytest.mark.parametrize("stdout", ["", "{}", "[]", "nonsense"])
def test_an_answer_that_nobody_understands_is_a_failure(stdout: str) -> None:
    with pytest.raises(ValueError, match=r"nothing|broke"):
        read_report(stdout, "something broke" if stdout else "")
