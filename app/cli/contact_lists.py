"""`earshot contacts import | export`: history in and people out as CSV, or the whole registry as lines of JSON."""

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, get_args

import typer

from app.cli.contact_jobs import answered
from app.cli.opening import fail, open_services, write_json
from contact_registry.actor import Actor
from contact_registry.csv_tables import write_table
from contact_registry.instants import write_instant
from contact_registry.local_times import DateFormat
from contact_registry.peppers import FILE_NAME as KEYS_FILE
from contact_registry.schemas import BatchDefaults, TouchpointOut
from contact_registry.schemas_imports import CsvCheckOut, HistoryFile, ImportOut
from contact_registry.schemas_people import ContactOut
from contact_registry.service import RegistryService
from contact_registry.transfer import is_registry_file

COLUMNS = (
    "id",
    "name",
    "emails",
    "phones",
    "account",
    "tz",
    "segments",
    "touchpoints",
    "last_at",
    "last_team",
    "last_channel",
    "last_purpose",
    "next_at",
    "next_team",
)
_CLI = Actor(id="cli", source="cli")
_PAGE = 200
_BETWEEN = "; "  # what stands between several addresses in one cell
_AHEAD = frozenset({"planned", "reserved"})
_LIVE = _AHEAD | {"completed", "no_show"}


def import_history(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV with a heading: email, at or date, team, channel, purpose …; or a whole registry (.jsonl)."
        ),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen and keep nothing.")] = False,
    team: Annotated[str | None, typer.Option(help="Team of rows that name none.")] = None,
    channel: Annotated[str | None, typer.Option(help="Channel of rows that name none.")] = None,
    purpose: Annotated[str | None, typer.Option(help="Purpose of rows that name none.")] = None,
    tz: Annotated[str | None, typer.Option(help="Zone of local times; default: the workspace's.")] = None,
    order: Annotated[str, typer.Option(help="How 03/04/2026 is meant: dmy or mdy; iso refuses to guess.")] = "iso",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Take history in; rows with an external_id are never doubled. Exit status 1: some rows are wrong.

    A file that `export` wrote as .jsonl fills an empty registry instead: people, history, stops, consents and rules.
    """
    if _holds_registry(file):
        _load(file, as_json)
        return
    formats: dict[str, DateFormat] = {name: name for name in get_args(DateFormat)}
    if order not in formats:
        fail(f"there is no date order {order!r}: take {', '.join(formats)}.", 2)
    try:
        content = file.read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}.")
    given = {"team": team, "channel": channel, "purpose": purpose}
    how = HistoryFile(
        defaults={field: value for field, value in given.items() if value is not None},
        tz=tz,
        order=formats[order],
        dry_run=dry_run,
        file_name=file.name[:200],
    )
    done = _import(open_services().registry, content, how)
    if as_json:
        write_json(done.model_dump(mode="json"))
    else:
        _tell(done)
    raise SystemExit(1 if done.counts.get("error") else 0)


def check_file(registry: RegistryService, file: Path, defaults: BatchDefaults, as_json: bool) -> None:
    """Write the file with an answer behind every row, or the answers alone as JSON."""
    try:
        content = file.read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}.")
    answer, checked = _check(registry, content, file.name[:200], defaults)
    if as_json:
        write_json(answer.model_dump(mode="json"))
    else:
        typer.echo(checked, nl=False)
    counts = ", ".join(f"{count} {badge.replace('_', ' ')}" for badge, count in answer.counts.items())
    typer.echo(f"{len(answer.rows)} rows: {counts}.", err=True)


def _import(registry: RegistryService, content: bytes, how: HistoryFile) -> ImportOut:
    if not registry.files.is_long(content):
        return registry.files.import_file(content, _CLI, how)
    with answered(registry, registry.lists.import_file(content, _CLI, how)) as job:
        return ImportOut.model_validate_json("".join(registry.lists.result(job.id, None)))


def _check(
    registry: RegistryService, content: bytes, file_name: str, defaults: BatchDefaults
) -> tuple[CsvCheckOut, bytes]:
    if not registry.files.is_long(content):
        return registry.files.check(content, defaults, _CLI)
    with answered(registry, registry.lists.check_file(content, defaults, _CLI, file_name=file_name)) as job:
        answer = CsvCheckOut.model_validate_json("".join(registry.lists.result(job.id, None)))
        return answer, "".join(registry.lists.result_csv(job.id, None)).encode()


def export(
    file: Annotated[
        Path | None, typer.Argument(help="File to write; left out: stdout. NAME.jsonl: the whole registry.")
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="The whole registry as lines of JSON, for `import` into an empty workspace.")
    ] = False,
    raw: Annotated[bool, typer.Option("--raw", help="For programs: no apostrophe before = + - @.")] = False,
    bom: Annotated[
        bool, typer.Option("--bom", help="Begin with a byte order mark, which some spreadsheets want.")
    ] = False,
) -> None:
    """Write everybody on file as CSV, each with a summary of what all teams did and plan; or everything, as JSON."""
    services = open_services()
    if whole or (file is not None and file.suffix == ".jsonl"):
        _write_whole(services.registry, file)
        return
    rows = list(_lines(services.registry, services.clock.now()))
    content = write_table(COLUMNS, rows, for_spreadsheet=not raw, with_bom=bom)
    services.audit.happened(_CLI.id, "contacts.exported", "contacts", "contacts", rows=len(rows))
    if file is None:
        typer.echo(content, nl=False)
        return
    try:
        file.write_bytes(content)
    except OSError as error:
        fail(f"{file}: {error.strerror}.")
    typer.echo(f"{file}: {len(rows)} contacts.", err=True)


def _holds_registry(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return is_registry_file(opened.readline(4096).decode("utf-8", "replace"))
    except OSError as error:
        fail(f"{file}: {error.strerror}.")


def _load(file: Path, as_json: bool) -> None:
    try:
        with file.open(encoding="utf-8-sig") as lines:
            counts = open_services().registry.transfer.load(lines, _CLI)
    except UnicodeDecodeError:
        fail(f"{file}: is not UTF-8.")
    if as_json:
        write_json(counts)
    else:
        typer.echo(f"Loaded: {', '.join(f'{count} {table}' for table, count in counts.items())}.")


def _write_whole(registry: RegistryService, file: Path | None) -> None:
    lines = (f"{line}\n" for line in registry.transfer.lines())
    if file is None:
        sys.stdout.writelines(lines)
        return
    aside = file.with_name(file.name + ".part")
    try:
        with aside.open("w", encoding="utf-8") as opened:
            opened.writelines(lines)
        aside.replace(file)
    except OSError as error:
        fail(f"{file}: {error.strerror}.")
    typer.echo(f"{file}: the whole registry. Keep {KEYS_FILE} with it, but elsewhere.", err=True)


def _tell(done: ImportOut) -> None:
    counts = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in done.counts.items())
    typer.echo(
        f"{'Nothing was kept. It would be' if done.id is None else f'Imported as {done.id}'}: {counts or 'no rows'}"
    )
    for row in done.rows:
        if row.outcome == "error":
            typer.echo(f"row {row.row}: {row.message}")
    if done.new_conflicts:
        typer.echo(f"Bookings that now collide: {len(done.new_conflicts)}. They are listed as conflicts.")


def _lines(registry: RegistryService, now: datetime) -> Iterator[list[str]]:
    cursor = None
    while True:
        page = registry.find_contacts("", limit=_PAGE, cursor=cursor)
        for contact in page.items:
            yield _line(contact, registry.timeline(contact.id), now)
        cursor = page.next_cursor
        if cursor is None:
            return


def _line(contact: ContactOut, timeline: list[TouchpointOut], now: datetime) -> list[str]:
    """`timeline` is newest first; what was called off, voided or lapsed is not told."""
    live = [touchpoint for touchpoint in timeline if touchpoint.status in _LIVE]
    last = next((one for one in live if one.at <= now and one.status not in _AHEAD), None)
    ahead = next((one for one in reversed(live) if one.at > now and one.status in _AHEAD), None)
    return [
        contact.id,
        contact.name or "",
        _BETWEEN.join(contact.emails),
        _BETWEEN.join(contact.phones),
        contact.account_name or contact.account or "",
        contact.tz or "",
        _BETWEEN.join(contact.segments),
        str(len(live)),
        *(["", "", "", ""] if last is None else [_when(last), last.team, last.channel, last.purpose]),
        *(["", ""] if ahead is None else [_when(ahead), ahead.team]),
    ]


def _when(touchpoint: TouchpointOut) -> str:
    return write_instant(touchpoint.at) if touchpoint.date is None else touchpoint.date.isoformat()
