"""Reads multipart/form-data as it comes: the file goes to disk under a limit, the few fields stay in memory.

Starlette's own form parser takes the whole body before a handler can refuse it; a 5 GB file must be refused while
it streams.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from core.blobs import too_large
from core.errors import BadRequest, InvalidInput, TooLarge

MAX_FIELD_BYTES = 256 * 1024
MAX_PARTS = 64


@dataclass(slots=True)
class ReceivedFile:
    """A file on disk, gone when the form is closed."""

    path: Path
    name: str
    size_bytes: int


@dataclass(slots=True)
class ReceivedForm:
    fields: dict[str, list[str]] = field(default_factory=dict)
    file: ReceivedFile | None = None


class _Reader:
    """The parser's callbacks: collects headers of a part, then its bytes into a field or the file."""

    def __init__(self, sink: IO[bytes], file_field: str, max_bytes: int) -> None:
        self.form = ReceivedForm()
        self._sink = sink
        self._file_field = file_field
        self._max_bytes = max_bytes
        self._parts = 0
        self._header_name = b""
        self._header_value = b""
        self._headers: dict[bytes, bytes] = {}
        self._field_name = ""
        self._text = bytearray()
        self._in_file = False
        self.is_whole = False

    def on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise TooLarge("too_many_fields", f"The form has more than {MAX_PARTS} parts.")
        self._headers, self._text, self._in_file = {}, bytearray(), False

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def on_header_end(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._field_name = options.get(b"name", b"").decode("utf-8", "replace")
        self._in_file = self._field_name == self._file_field and b"filename" in options
        if not self._in_file:
            return
        if self.form.file is not None:
            raise InvalidInput("several_files", "Send one file in each request.", field=self._file_field)
        name = options[b"filename"].decode("utf-8", "replace")
        self.form.file = ReceivedFile(Path(self._sink.name), name, 0)

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file and self.form.file is not None:
            self.form.file.size_bytes += end - start
            if self.form.file.size_bytes > self._max_bytes:
                raise too_large(self._max_bytes)
            self._sink.write(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > MAX_FIELD_BYTES:
            raise TooLarge("field_too_large", f"A form field is larger than {MAX_FIELD_BYTES} bytes.")

    def on_part_end(self) -> None:
        if self._in_file:
            return
        try:
            text = self._text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidInput(
                "invalid_utf8", "A form field is not valid UTF-8.", field=self._field_name[:64]
            ) from error
        self.form.fields.setdefault(self._field_name, []).append(text)

    def on_end(self) -> None:
        self.is_whole = True


@asynccontextmanager
async def receive_form(request: Request, folder: Path, file_field: str, max_bytes: int) -> AsyncIterator[ReceivedForm]:
    """Yield the form once its last byte has come; the file is removed afterwards.

    Raises BadRequest `invalid_form`, TooLarge `file_too_large` as soon as `max_bytes` is passed.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise BadRequest("invalid_form", "Send the file as multipart/form-data.")
    await run_in_threadpool(folder.mkdir, parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=folder, prefix="form-") as sink:
        reader = _Reader(sink, file_field, max_bytes)
        names = (
            "part_begin",
            "header_field",
            "header_value",
            "header_end",
            "headers_finished",
            "part_data",
            "part_end",
            "end",
        )
        parser = MultipartParser(boundary, {f"on_{name}": getattr(reader, f"on_{name}") for name in names})  # type: ignore[arg-type]
        try:
            async for chunk in request.stream():
                await run_in_threadpool(parser.write, chunk)
            parser.finalize()
        except FormParserError as error:
            raise _broken() from error
        except ClientDisconnect as error:
            raise BadRequest("upload_interrupted", "The connection ended before the whole file had come.") from error
        if not reader.is_whole:
            raise _broken()
        sink.flush()
        yield reader.form


def _broken() -> BadRequest:
    return BadRequest("invalid_form", "The multipart body is broken or ends too early.")
