"""Requests made from the OpenAPI document, sent by callers of every kind: no bug, no answer that is not documented, and
nothing of a restricted project to those who may not know of it.

The short run sends a few requests per route; the marker `slow` sends many.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.app.everybody import SECRETS, Everybody, hide_an_interview
from tests.pages.world import World, copy_of

CHECKS: list[Callable[..., Any]] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
IN_THE_KNOW = {"administrator", "key admin"}  # to whom no project is hidden
CALLERS = (  # those who may least come first: what they change is in nobody's way
    "anonymous",
    "key contacts:read",
    "key read",
    "key ingest",
    "viewer",
    "key contacts:write",
    "member of another team",
    "privacy",
    "key admin",
    "administrator",
)
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
SHORT, LONG = 2, 12  # requests per route, each sent by every caller


@pytest.fixture(scope="module")
def everybody(seed: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everybody]:
    everybody = Everybody(copy_of(seed, tmp_path_factory.mktemp("schema") / "data"))
    hidden = hide_an_interview(everybody)
    everybody.ids["hidden_interview_id"] = hidden
    everybody.keep()
    yield everybody
    everybody.close()


def test_a_few_requests_to_every_route_are_answered_as_documented(everybody: Everybody) -> None:
    send_to_every_route(everybody, SHORT)


@pytest.mark.slow
def test_many_requests_to_every_route_are_answered_as_documented(everybody: Everybody) -> None:
    send_to_every_route(everybody, LONG)


def send_to_every_route(everybody: Everybody, count: int) -> None:
    wrong: list[str] = []
    for operation in document_of(everybody.app).get_all_operations():
        try:
            send_some(everybody, operation.ok(), count)
        except FailureGroup as group:
            wrong += [f"{operation.ok().label}: {str(error)[:1500]}" for error in group.exceptions]
        everybody.restore()
    assert not wrong, "\n\n".join(wrong)


def document_of(app: FastAPI) -> Any:
    document = schemathesis.openapi.from_dict(app.openapi())
    document.app = app
    return document


def cases_of(operation: Any) -> Any:
    """Draw requests that fit the document and, where something can be wrong with them, such as do not."""
    fitting = operation.as_strategy()
    if not (operation.body or operation.query or operation.path_parameters):
        return fitting
    return fitting | operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)


def send_some(everybody: Everybody, operation: Any, count: int) -> None:
    @seed(20261122)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases_of(operation), names_something=st.booleans(), names_hidden=st.booleans())
    def send(case: Any, names_something: bool, names_hidden: bool) -> None:
        if names_something and case.path_parameters:
            known = everybody.ids | ({"interview_id": everybody.ids["hidden_interview_id"]} if names_hidden else {})
            case.path_parameters = {name: known.get(name, value) for name, value in case.path_parameters.items()}
        sent = case.as_transport_kwargs(base_url="http://testserver")
        sent.pop("cookies", None)
        made: Any = requests.Request(**sent).prepare()
        for name in CALLERS:
            headers: dict[str, str] = {**made.headers, **everybody.credentials(everybody.callers[name])}
            answer = everybody.client.request(made.method, made.url, content=made.body, headers=headers)
            note(f"as {name}")
            case.validate_response(answer, checks=CHECKS)
            if name not in IN_THE_KNOW:
                assert not [secret for secret in SECRETS if secret in answer.text]

    send()
