"""CSV in and out: bytes of any common encoding and delimiter to columns and rows, and back safely for spreadsheets.

Called by the check and the import of lists. Column names are recognised by what people usually call them.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from charset_normalizer import from_bytes

from contact_registry.schemas_imports import MAX_ROWS
from core.errors import InvalidInput, TooLarge

_DELIMITERS = ",;\t|"
_SAMPLE_CHARACTERS = 64 * 1024
_SPREADSHEETS = ["utf_16", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1257"]
_FORMULA = re.compile(r"^\s*[=+\-@\t\r]")
_NAMES: Mapping[str, frozenset[str]] = {
    "email": frozenset({"email", "e_mail", "mail", "email_address", "e_mail_address", "address", "contact_email"}),
    "name": frozenset({"name", "full_name", "contact_name"}),
    "external_id": frozenset({"external_id", "id", "record_id", "activity_id"}),
    "at": frozenset({"at", "time", "datetime", "date_time", "timestamp", "start", "started_at", "starts_at"}),
    "date": frozenset({"date", "day", "on"}),
    "team": frozenset({"team", "department"}),
    "channel": frozenset({"channel", "medium"}),
    "purpose": frozenset({"purpose", "type", "kind"}),
    "status": frozenset({"status", "outcome"}),
    "engagement": frozenset({"engagement", "study", "deal", "campaign", "project"}),
    "direction": frozenset({"direction"}),
}


@dataclass(frozen=True, slots=True)
class Table:
    """A file as it was sent: every row has one cell per column."""

    columns: list[str]
    rows: list[list[str]]
    encoding: str
    delimiter: str

    def recognised(self, told: Mapping[str, str] | None = None) -> dict[str, int]:
        """Return field → index of its column, for the columns whose names say what they hold; the first one wins.

        `told` is field → column for what somebody knows better, or "" where no column holds it.
        """
        found: dict[str, int] = {}
        for index, column in enumerate(self.columns):
            word = re.sub(r"[^a-z0-9]+", "_", column.strip().lower()).strip("_")
            for field, names in _NAMES.items():
                if word in names:
                    found.setdefault(field, index)
        for field, name in (told or {}).items():
            found.pop(field, None)
            if field in _NAMES and name in self.columns:
                found[field] = self.columns.index(name)
        return found


def read_table(content: bytes, encoding: str | None = None, *, most: int = MAX_ROWS) -> Table:
    """Read a CSV file with a heading and at most so many rows, its encoding guessed unless it is told.

    Raises InvalidInput `empty_file`, `unreadable_csv`, TooLarge `too_many_rows`.
    """
    text, encoding = _decode(content) if encoding is None else (_decode_as(content, encoding), encoding)
    if not text.strip():
        raise InvalidInput("empty_file", "The file is empty: send a heading and at least one row.")
    try:
        delimiter = csv.Sniffer().sniff(text[:_SAMPLE_CHARACTERS], _DELIMITERS).delimiter
    except csv.Error:
        heading = text.lstrip().partition("\n")[0]  # a file of a few lines says too little for the sniffer
        delimiter = max(_DELIMITERS, key=heading.count)
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(line)]
    except csv.Error as error:
        raise InvalidInput("unreadable_csv", f"The file is no CSV: {error}.") from error
    columns, *rows = lines
    if len(rows) > most:
        raise TooLarge("too_many_rows", f"The file has {len(rows)} rows, at most {most} are taken: send it in parts.")
    width = len(columns)
    return Table(columns, [(row + [""] * width)[:width] for row in rows], encoding, delimiter)


def _decode(content: bytes) -> tuple[str, str]:
    if b"\0" in content[:1024] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidInput("unreadable_csv", "The file holds bytes that are no text: save it as CSV (UTF-8).")
    try:
        return content.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        # short files look like anything: first what spreadsheets of the West save, then everything
        best = from_bytes(content, cp_isolation=_SPREADSHEETS).best() or from_bytes(content).best()
    if best is None:
        raise InvalidInput("unreadable_csv", "The file's encoding was not recognised: save it as CSV (UTF-8).")
    return str(best), best.encoding


def _decode_as(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except (UnicodeDecodeError, LookupError) as error:
        raise InvalidInput("unreadable_csv", f"The file is not {encoding[:40]!r} text.", field="encoding") from error


def write_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, for_spreadsheet: bool = True, with_bom: bool = False
) -> bytes:
    """Return a CSV file with commas. `for_spreadsheet`: no cell can be taken for a formula."""
    file = io.StringIO()
    writer = csv.writer(file)
    for row in (columns, *rows):
        writer.writerow([safe_cell(cell) for cell in row] if for_spreadsheet else row)
    return file.getvalue().encode("utf-8-sig" if with_bom else "utf-8")


def safe_cell(text: str) -> str:
    """Return the text with an apostrophe before whatever a spreadsheet would run, in every line of it."""
    if not text:
        return text
    return "\n".join(f"'{line}" if _FORMULA.match(line) else line for line in text.split("\n"))
