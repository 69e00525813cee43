"""A list as it was sent to the pages: a chosen file, a pasted text, or what the step before carried along."""

from dataclasses import dataclass
from typing import Annotated, get_args

from fastapi import Depends, File, Form, UploadFile

from app.pages.contact_form import ContactForm
from contact_registry.csv_tables import read_table
from contact_registry.local_times import DateFormat
from core.errors import InvalidInput

MAX_CHARACTERS = 16_000_000


@dataclass(frozen=True, slots=True)
class FileForm:
    """The file's bytes, and how it is read."""

    content: bytes
    name: str
    email_column: str
    order: DateFormat
    tz: str
    columns: dict[str, str]  # field → column, where somebody said so


def file_form(
    file: Annotated[UploadFile | None, File()] = None,
    text: Annotated[str, Form(max_length=MAX_CHARACTERS)] = "",
    file_name: Annotated[str, Form(max_length=200)] = "",
    email_column: Annotated[str, Form(max_length=200)] = "",
    order: Annotated[str, Form(max_length=10)] = "iso",
    tz: Annotated[str, Form(max_length=64)] = "",
    columns: Annotated[list[str] | None, Form(max_length=20)] = None,
) -> FileForm:
    """Read what was chosen, else what was pasted or carried along from the step before; `columns` are field=column."""
    dates: DateFormat = next((one for one in get_args(DateFormat) if one == order), "iso")
    told = dict(one.split("=", 1) for one in columns or [] if "=" in one)
    if file is not None and file.filename:
        return FileForm(file.file.read(), file.filename[:200], email_column.strip(), dates, tz.strip(), told)
    return FileForm(text.encode(), file_name, email_column.strip(), dates, tz.strip(), told)


SentFile = Annotated[FileForm, Depends(file_form)]


def require_content(sent: FileForm) -> None:
    if not sent.content.strip():
        raise InvalidInput("no_file", "Choose a file or paste its text.", field="file")


def carried(form: ContactForm, sent: FileForm) -> dict[str, str]:
    """Return the fields that the next step's form sends along, the file as text whatever its encoding was."""
    encoding = read_table(sent.content).encoding
    text = sent.content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    asked = {"team": form.team, "purpose": form.purpose, "channel": form.channel, "at": form.at}
    read = {"file_name": sent.name, "email_column": sent.email_column, "order": sent.order, "tz": sent.tz}
    return asked | read | {"text": text}
