"""Keys, `reindex`, `doctor`, `backup`, `restore` and the reset of the sample workspace."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.access.keys import NewKey
from app.cli.opening import fail, open_services, open_settings, write_json

key_commands = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@key_commands.command("create")
def create_key(name: Annotated[str, typer.Argument(help="What the key is for.")]) -> None:
    """Print a new administrator's key: it alone, and only now."""
    _, secret = open_services().access.keys.create(NewKey(name), actor="cli")
    typer.echo(secret)


@key_commands.command("list")
def list_keys() -> None:
    """List the keys by their first characters."""
    for key in open_services().access.keys.list():
        state = "revoked" if key.revoked_at else "active"
        typer.echo(f"{key.id}\t{key.hint}…\t{state}\t{key.name}")


@key_commands.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument()]) -> None:
    """Stop a key at once."""
    open_services().access.keys.revoke(key_id, actor="cli")


def reindex() -> None:
    """Make the index on disk again from the database, embedding what has no vector of the configured model."""
    services = open_services()
    services.search.reembed(Bar("embedding"))
    services.search.rebuild(Bar("indexing"))
    status = services.search.status()
    typer.echo(f"{status.interviews} interviews ({status.indexed} windows) are indexed with {status.model}.")


class Bar:
    """Progress on stderr: a line that is rewritten on a terminal, one line at the end elsewhere."""

    def __init__(self, label: str) -> None:
        self._label = label

    def __call__(self, done: float) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{self._label} {done:4.0%}" + ("\n" if done >= 1 else ""))
        elif done >= 1:
            sys.stderr.write(f"{self._label} done\n")
        sys.stderr.flush()


def doctor(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Check what Earshot needs, one line each. Exit status 1 when something must be mended."""
    from app.doctor import examine

    findings = examine(open_services())
    if as_json:
        write_json([{"name": f.name, "ok": f.ok, "message": f.message} for f in findings])
    else:
        for finding in findings:
            typer.echo(f"{'ok  ' if finding.ok else 'MEND'}  {finding.name}: {finding.message}")
    raise SystemExit(0 if all(finding.ok for finding in findings) else 1)


def backup(
    file: Annotated[Path, typer.Argument(help="Archive to write, such as earshot-2026-11-22.tar.")],
) -> None:
    """Write database and recordings into one archive while the server runs."""
    from app.backups import write_backup

    count = write_backup(open_services(), file)
    typer.echo(f"{file}: database and {count} recordings.")


def restore(file: Annotated[Path, typer.Argument(help="An archive that `earshot backup` wrote.")]) -> None:
    """Fill an empty data folder from a backup."""
    from app.backups import read_backup

    settings = open_settings()
    count = read_backup(settings, file)
    open_services()  # migrates what an older version wrote
    typer.echo(f"{settings.data_dir}: database and {count} recordings restored.")


def demo_reset(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Remove the sample workspace's interviews and load them again; what people added stays."""
    from app.samples import reset

    if not yes and not typer.confirm("Load the sample interviews and contacts anew?"):
        fail("nothing was changed.")
    count = reset(open_services())
    typer.echo(f"{count} sample interviews are loaded; a running server processes them.")
