"""`earshot retention list | run`: recordings whose time is nearly over, and those whose time is over."""

from typing import Annotated

import typer

from app.cli.opening import open_services, write_json
from core.visibility import ALL_SEEING

commands = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@commands.command("list")
def list_removals(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Say which recordings will be removed within 30 days."""
    removals = open_services().ingest.retention.announced(ALL_SEEING)
    if as_json:
        write_json([removal.model_dump(mode="json") for removal in removals])
        return
    for removal in removals:
        typer.echo(f"{removal.interview_id}\tkept until {removal.keep_until}\t{removal.title}")


@commands.command()
def run() -> None:
    """Remove the recordings whose participants let them be kept until a day that has passed; the text stays."""
    removed = open_services().ingest.retention.remove_due()
    typer.echo(f"{removed} recordings removed.")
