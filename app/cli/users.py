"""`earshot user …`: people from the terminal. Links to hand over go to stdout alone, everything else to stderr."""

from typing import Annotated

import typer

from app.access.permissions import Role
from app.access.users import NewUser, UserChange, UserView
from app.cli.opening import open_services, write_json
from app.services import Services

commands = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

ACTOR = "cli"

Whom = Annotated[str, typer.Argument(metavar="EMAIL", help="Their e-mail address, or their id.")]


@commands.command("invite")
def invite(
    email: Annotated[str, typer.Argument(help="What they sign in with; nothing is sent there.")],
    name: Annotated[str, typer.Option(help="Their name; without it the first part of the address.")] = "",
    role: Annotated[Role, typer.Option(help="What they are in the workspace.")] = Role.MEMBER,
    privacy: Annotated[bool, typer.Option("--privacy", help="Give the privacy permission.")] = False,
    team: Annotated[list[str] | None, typer.Option(help="Id of a team; may be repeated.")] = None,
) -> None:
    """Add somebody and print the one-time link with which they choose a password (seven days)."""
    services = open_services()
    wanted = NewUser(name or email.partition("@")[0], email, role.value, privacy, tuple(team or ()))
    _, token = services.access.users.invite(wanted, ACTOR)
    _write_link(services, token)


@commands.command("list")
def list_users(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """List everybody: id, role, state, e-mail and name."""
    users = open_services().access.users.list()
    if as_json:
        write_json([_row(user) for user in users])
        return
    for user in users:
        typer.echo(f"{user.id}\t{user.role}\t{_state(user)}\t{user.email or '-'}\t{user.name}")


@commands.command("disable")
def disable(email: Whom) -> None:
    """Sign somebody out everywhere at once and refuse their keys; what they added stays."""
    _set_disabled(email, True)


@commands.command("enable")
def enable(email: Whom) -> None:
    """Let somebody in again who was disabled."""
    _set_disabled(email, False)


@commands.command("reset")
def reset(email: Whom) -> None:
    """Print a new one-time link with which they choose a password."""
    services = open_services()
    user = services.access.users.find(email)
    _write_link(services, services.access.users.new_link(user.id, ACTOR))


def _set_disabled(email: str, is_disabled: bool) -> None:
    users = open_services().access.users
    user = users.find(email)
    users.change(user.id, UserChange(is_disabled=is_disabled), ACTOR)
    typer.echo(f"{user.id} is {'disabled' if is_disabled else 'enabled'}.", err=True)


def _write_link(services: Services, token: str) -> None:
    base = services.settings.base_url or "http://127.0.0.1:8000"
    typer.echo(f"{base.rstrip('/')}/choose-password?token={token}")


def _state(user: UserView) -> str:
    return "disabled" if user.disabled_at else "invited" if user.is_invited else "active"


def _row(user: UserView) -> dict[str, object]:
    return {
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "has_privacy": user.has_privacy,
        "teams": list(user.teams),
        "state": _state(user),
    }
