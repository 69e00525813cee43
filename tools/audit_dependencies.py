"""`python -m tools.audit_dependencies`: are known vulnerabilities in what is installed?

Asks the advisory service that pip-audit is set up with. Exit status 1: there is one (or an answer nobody understands);
0: there is none, or the service could not be reached, which is said and is no failure: a build needs no network.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

TIMEOUT_S = 300
_UNREACHABLE = ("ServiceError", "ConnectionError", "Connection", "connection", "timed out", "resolve", "Proxy", "HTTP")


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found: `vulnerabilities` as sentences; None when nobody could be asked."""

    vulnerabilities: list[str] | None
    count: int = 0  # of packages looked at


def read_report(stdout: str, stderr: str) -> Audit:
    """Return what pip-audit's JSON says. Raises ValueError for what is neither a report nor a lack of network."""
    try:
        packages = json.loads(stdout)["dependencies"]
    except (ValueError, KeyError, TypeError) as error:
        if any(word in stderr for word in _UNREACHABLE):
            return Audit(None)
        raise ValueError(stderr.strip()[-2000:] or "pip-audit said nothing") from error
    known = [package for package in packages if "skip_reason" not in package]
    if packages and not known:  # a mirror that has packages and no advisories
        return Audit(None)
    found = [_sentence(package, one) for package in known for one in package["vulns"]]
    return Audit(found, len(known))


def _sentence(package: dict[str, Any], one: dict[str, Any]) -> str:
    return f"{package['name']} {package['version']}: {one['id']}, mended in {', '.join(one['fix_versions']) or 'none'}"


def main() -> int:
    command = [sys.executable, "-m", "pip_audit", "--local", "--skip-editable", "--format", "json"]
    try:
        done = subprocess.run(
            [*command, "--progress-spinner", "off"], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        audit = read_report(done.stdout, done.stderr)
    except subprocess.TimeoutExpired:
        audit = Audit(None)
    except ValueError as error:
        print(f"dependency audit: failed: {error}")
        return 1
    if audit.vulnerabilities is None:
        print("dependency audit: NOT DONE, the advisory service could not be reached from here")
        return 0
    for sentence in audit.vulnerabilities:
        print(sentence)
    print(f"dependency audit: {len(audit.vulnerabilities)} known vulnerabilities in {audit.count} packages")
    return 1 if audit.vulnerabilities else 0


if __name__ == "__main__":
    sys.exit(main())
