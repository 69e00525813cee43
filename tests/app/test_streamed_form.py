from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from starlette.responses import Response

from app.api.problems import from_app_error
from app.api.streamed_form import receive_form
from core.errors import AppError


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    app = FastAPI()

    @app.exception_handler(AppError)
    async def _error(request: Request, error: AppError) -> Response:
        return from_app_error(error)

    @app.post("/")
    async def receive(request: Request) -> dict[str, object]:
        async with receive_form(request, tmp_path / "in", "file", max_bytes=100_000) as form:
            content = form.file.path.read_bytes() if form.file else None
            return {"fields": form.fields, "name": form.file and form.file.name, "size": content and len(content)}

    return TestClient(app)


def _left(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "in").glob("*"))


def test_the_file_and_the_fields_arrive_in_any_order(client: TestClient, tmp_path: Path) -> None:
    answer = client.post("/", files={"file": ("ä.wav", b"x" * 5000)}, data={"title": "Žluťoučký", "tags": ["a", "b"]})
    assert answer.json() == {"fields": {"title": ["Žluťoučký"], "tags": ["a", "b"]}, "name": "ä.wav", "size": 5000}
    assert _left(tmp_path) == []


def test_a_file_over_the_limit_is_refused_while_it_streams(client: TestClient, tmp_path: Path) -> None:
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        for _ in range(1000):
            sent += 10_000
            yield b"x" * 10_000

    answer = client.post("/", content=body(), headers={"content-type": "multipart/form-data; boundary=b"})
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
    assert _left(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "content_type", "code"),
    [
        (b"hello", "text/plain", "invalid_form"),
        (b"hello", "multipart/form-data", "invalid_form"),
        (b"hello", "multipart/form-data; boundary=b", "invalid_form"),
        (b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf', None, "invalid_form"),
        (b'--b\r\nContent-Disposition: form-data; name="t"\r\n\r\n\xff\xfe\r\n--b--\r\n', None, "invalid_utf8"),
    ],
)
def test_a_broken_body_is_a_problem(
    client: TestClient, tmp_path: Path, content: bytes, content_type: str | None, code: str
) -> None:
    headers = {"content-type": content_type or "multipart/form-data; boundary=b"}
    answer = client.post("/", content=content, headers=headers)
    assert 400 <= answer.status_code < 500
    assert answer.json()["code"] == code
    assert _left(tmp_path) == []


def test_two_files_in_one_request_are_refused(client: TestClient) -> None:
    answer = client.post("/", files=[("file", ("a", b"1")), ("file", ("b", b"2"))])
    assert answer.json()["code"] == "several_files"


def test_a_field_without_end_is_refused(client: TestClient) -> None:
    answer = client.post("/", files={"file": ("a", b"1")}, data={"title": "x" * 300_000})
    assert answer.json()["code"] == "field_too_large"
