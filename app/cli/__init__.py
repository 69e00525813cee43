"""The command line, `earshot …`: results on stdout (`--json` for machines), progress and logs on stderr.

Every command migrates the database first. Heavy parts are imported by the command that needs them.
"""

import logging
import sys

import typer

from app.cli import contacts, interviews, maintenance, retention, search_quality, serving, users
from core.errors import AppError

cli = typer.Typer(
    name="earshot",
    help="What customers said, and whom we may ask next.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
cli.command("serve")(serving.serve)
cli.command("worker")(serving.worker)
cli.command("sign-in")(serving.sign_in)
cli.command("add")(interviews.add)
cli.command("search")(interviews.search)
cli.add_typer(contacts.commands, name="contacts", help="Who may be contacted: ask, reserve, import, export, erase.")
cli.add_typer(maintenance.key_commands, name="key", help="API keys.")
cli.add_typer(retention.commands, name="retention", help="Recordings that are kept until a day.")
cli.add_typer(search_quality.commands, name="search-quality", help="How well kept questions are answered.")
cli.add_typer(users.commands, name="user", help="People: invite, list, disable, enable, reset.")
cli.command("reindex")(maintenance.reindex)
cli.command("doctor")(maintenance.doctor)
cli.command("backup")(maintenance.backup)
cli.command("restore")(maintenance.restore)
cli.command("demo-reset")(maintenance.demo_reset)


def main() -> None:
    """Run a command; an expected failure is one sentence on stderr and exit status 1."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        cli()
    except AppError as error:
        typer.echo(f"earshot: {error.message}", err=True)
        raise SystemExit(1) from error
    except KeyboardInterrupt as error:
        raise SystemExit(130) from error
