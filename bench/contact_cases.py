"""Worked cases of the contact registry, over HTTP against the whole application with a clock that is set by hand.

    python -m bench.contact_cases FILE…

Each case's `given` is written into an empty registry, each step is one request, and every key of every `expect` is
compared with the answer. Prints what differs, then `N passed, M failed`; the exit code is 1 when any failed.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from bench.contact_worlds import World, clear_registry, fill_registry
from bench.local_server import serve_application

Json = dict[str, Any]
_POSTED = {
    "check": "/eligibility/check",
    "reserve": "/reservations",
    "record": "/touchpoints",
    "batch_check": "/eligibility/batch-check",
    "batch_reserve": "/reservations:batch",
    "normalise": "/addresses/normalise",
    "simulate": "/policy-sets/draft/simulate",
    "consent": "/consents",
    "import": "/imports",
}
_CLAIM_ONLY = ("as", "idempotency_key")


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the API."""

    method: str
    path: str
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)
    key: str | None = None


@dataclass(slots=True)
class Names:
    """The names a case gives to what it creates, both ways."""

    to_id: dict[str, str] = field(default_factory=dict)

    def id_of(self, name: str) -> str:
        return self.to_id.get(name, name)

    def named(self, value: Any) -> Any:
        """Return the value with every id that a case named replaced by that name."""
        names = {server_id: name for name, server_id in self.to_id.items()}
        if isinstance(value, dict):
            return {key: self.named(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.named(one) for one in value]
        return names.get(value, value) if isinstance(value, str) else value


def call_of(op: str, args: Json, names: Names) -> Call:
    """Return the request that a step stands for. Raises KeyError for an operation that is none of ours."""
    body = {name: value for name, value in args.items() if name not in _CLAIM_ONLY}
    if op in _POSTED:
        return Call("POST", _POSTED[op], body, key=args.get("idempotency_key"))
    match op:
        case "book":
            return Call("POST", "/touchpoints", {**body, "status": "planned"}, key=args.get("idempotency_key"))
        case "policy":
            policies = body.get("policies") or [body.get("policy", body)]
            return Call("PUT", "/policy-sets/draft", {"policies": policies})
        case "confirm" | "cancel" | "complete" | "reschedule":
            return _call_about_claim(op, names.id_of(body.pop("id")), body)
        case _:
            return _call_about_people(op, body)


def _call_about_claim(op: str, touchpoint: str, body: Json) -> Call:
    if op == "confirm":
        return Call("POST", f"/reservations/{touchpoint}/confirm")
    outcome = {"cancel": {"status": "cancelled"}, "complete": {"status": "completed", **body}}
    return Call("PATCH", f"/touchpoints/{touchpoint}", outcome.get(op, body))


def _call_about_people(op: str, body: Json) -> Call:
    contact = body.get("contact")
    match op:
        case "opt_out":
            kinds = ("contact", "email", "account", "domain")
            subject = body.get("subject") or {kind: body[kind] for kind in kinds if kind in body}
            rest = {name: value for name, value in body.items() if name not in (*kinds, "subject")}
            return Call("POST", "/suppressions", {"source": "opt_out", **rest, "subject": subject})
        case "merge":
            return Call("POST", f"/contacts/{body['into']}/merge", {"from": body["from"]})
        case "erase":
            rest = {name: value for name, value in body.items() if name != "contact"}
            return Call("POST", f"/contacts/{contact}/erase", rest)
        case "get":
            return Call("GET", f"/contacts/{contact}") if contact else Call("GET", "/contacts", query=body)
        case "stats":
            return Call("GET", "/registry/stats", query=body)
        case _:
            raise KeyError(op)


def answer_of(response: httpx.Response, names: Names) -> Json:
    """Return the answer in the words of the cases: `http` is its code, `error` a refusal's code.

    A refusal says its one-word eligibility beside the HTTP status that problem bodies carry as `status`.
    """
    body = response.json() if response.content else {}
    if not isinstance(body, dict):
        body = {"body": body}
    if response.status_code >= 400:
        body = {**body, "error": body.get("code"), "status": body.get("eligibility")}
    return {**names.named(body), "http": response.status_code}


def differences(expected: Any, found: Any, path: str = "") -> Iterator[str]:
    """Yield where `found` lacks or differs from what is expected; keys that are not expected are free."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key, value in expected.items():
            if key not in found:
                yield f"{path}.{key} is missing, expected {value!r}"
            else:
                yield from differences(value, found[key], f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            yield f"{path} has {len(found)} items, expected {len(expected)}: {found!r}"
            return
        for index, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif type(expected) is not type(found) or expected != found:
        yield f"{path} is {found!r}, expected {expected!r}"


def run_case(case: Json, world: World, client: httpx.Client) -> list[str]:
    """Return what differs, step by step; empty when the case passes."""
    clear_registry(world)
    fill_registry(world, case["given"], client)
    names = Names()
    found: list[str] = []
    for number, step in enumerate(case["steps"], start=1):
        if "now" in step:
            world.set_clock(step["now"])
        world.add_teams(step["args"])
        try:
            call = call_of(step["op"], step["args"], names)
        except KeyError as error:
            found.append(f"step {number}: no request is known for {error}")
            continue
        headers = {} if call.key is None else {"Idempotency-Key": call.key}
        response = client.request(
            call.method, f"/api/v1{call.path}", json=call.body, params=call.query, headers=headers
        )
        body = response.json() if response.status_code < 300 and response.content else {}
        if "as" in step["args"] and isinstance(body, dict) and "id" in body:
            names.to_id[step["args"]["as"]] = body["id"]
        answer = answer_of(response, names)
        found += [f"step {number} ({step['op']}): {text}" for text in differences(step["expect"], answer, "answer")]
    return found


def run_files(paths: Iterable[Path]) -> tuple[int, int]:
    """Run every case of every file; return how many passed and how many failed."""
    passed = failed = 0
    with TemporaryDirectory() as folder, serve_application(Path(folder)) as (world, client):
        for path in paths:
            for case in json.loads(path.read_text(encoding="utf-8"))["cases"]:
                found = run_case(case, world, client)
                passed, failed = passed + (not found), failed + bool(found)
                for text in found:
                    print(f"{case['id']}: {text}")
    return passed, failed


def main() -> int:
    paths = [Path(argument) for argument in sys.argv[1:]]
    if not paths:
        print("usage: python -m bench.contact_cases FILE…", file=sys.stderr)
        return 2
    passed, failed = run_files(paths)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
