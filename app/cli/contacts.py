"""`earshot contacts check | reserve | erase`: what a person or a script asks before writing to a customer.

`import` and `export` stand in `contact_lists.py`.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from app.cli import contact_lists
from app.cli.opening import fail, open_services, write_json
from app.erasure import PersonEraseIn
from contact_registry.actor import Actor
from contact_registry.schemas import BatchDefaults, OverrideIn, QuestionIn, ReserveIn
from core.errors import Conflict, InvalidInput

commands = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
commands.command("import")(contact_lists.import_history)
commands.command("export")(contact_lists.export)

Address = Annotated[str, typer.Argument(help="E-mail address, or the id of a contact.")]
Team = Annotated[str, typer.Option(help="Id of the team that asks.")]
Channel = Annotated[str, typer.Option(help="email, phone, video_call …")]
Purpose = Annotated[str, typer.Option(help="interview, survey, sales_call …")]
At = Annotated[str | None, typer.Option(help="When, RFC 3339; default: now.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]

_CLI = Actor(id="cli", source="cli")
NOT_ELIGIBLE = 3  # exit status, so that a script can tell "no" from "failed"


@commands.command()
def check(
    who: Annotated[str, typer.Argument(help="E-mail address, id of a contact, or a CSV file with a column email.")],
    team: Team,
    channel: Channel = "email",
    purpose: Purpose = "interview",
    at: At = None,
    as_json: Json = False,
) -> None:
    """Say whether somebody may be contacted. Exit status 0: yes, 3: not then.

    Of a file ending in .csv every row is answered: the file goes to stdout with the answers behind its columns.
    """
    services = open_services()
    if who.lower().endswith(".csv"):
        defaults = BatchDefaults(at=_instant(at), team=team, channel=channel, purpose=purpose)
        contact_lists.check_file(services.registry, Path(who), defaults, as_json)
        return
    answer = services.registry.check(QuestionIn(**_question(who, team, channel, purpose, at)), _CLI)
    if as_json:
        write_json(answer.model_dump(mode="json"))
    else:
        typer.echo(answer.message)
        for reason in answer.reasons:
            typer.echo(f"- {reason.message} (rule {reason.ref})")
        if answer.decision != "eligible" and answer.next_eligible_at:
            typer.echo(f"Next possible: {answer.next_eligible_at.isoformat()}")
    raise SystemExit(0 if answer.decision == "eligible" else NOT_ELIGIBLE)


@commands.command()
def reserve(
    who: Address,
    team: Team,
    channel: Channel = "email",
    purpose: Purpose = "interview",
    at: At = None,
    ttl: Annotated[str, typer.Option(help="How long the place is held, ISO 8601.")] = "PT15M",
    override: Annotated[list[str] | None, typer.Option(help="Id of a rule to pass over; once for each rule.")] = None,
    reason: Annotated[str, typer.Option(help="Why the rules may be passed over.")] = "",
    as_json: Json = False,
) -> None:
    """Hold a place for a contact. Exit status 0: held, 3: refused."""
    services = open_services()
    passing = OverrideIn(refs=override, reason=reason) if override else None
    try:
        asked = ReserveIn(**_question(who, team, channel, purpose, at), ttl=ttl, override=passing)
        held = services.registry.reserve(asked, _CLI)
    except Conflict as refusal:
        if as_json:
            write_json({"code": refusal.code, "detail": refusal.message, **refusal.extra})
        else:
            typer.echo(refusal.message)
        raise SystemExit(NOT_ELIGIBLE) from refusal
    if as_json:
        write_json(held.model_dump(mode="json"))
    else:
        typer.echo(f"Held until {held.expires_at.isoformat() if held.expires_at else '-'} as {held.id}.")


@commands.command()
def erase(
    who: Address,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    delete_touchpoints: Annotated[
        bool, typer.Option("--delete-touchpoints", help="Delete the history too, instead of making it anonymous.")
    ] = False,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Remove the interviews they took part in, text and recording.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Forget a person for good. Their addresses stay recognisable as not to be contacted; nothing else stays.

    Interviews they took part in lose their name and keep their text, unless these are withdrawn as well.
    """
    services = open_services()
    contact = services.registry.contact_by_email(who).id if "@" in who else who
    if not yes and not typer.confirm(f"Erase {contact} for good? This cannot be undone."):
        fail("nothing was changed.")
    sent = PersonEraseIn(
        touchpoints="delete" if delete_touchpoints else "anonymise",
        interviews="withdraw" if withdraw else "anonymise",
    )
    done = services.erasure.erase(contact, sent, _CLI)
    if as_json:
        write_json(done.model_dump(mode="json"))
    elif done.noop:
        typer.echo(f"{contact} was erased before.")
    else:
        typer.echo(
            f"{contact} is erased: {done.suppressed_addresses} addresses stay blocked, {done.cancelled} bookings "
            f"cancelled, {done.anonymised} touchpoints made anonymous, {done.deleted} deleted; "
            f"{done.interviews_anonymised} interviews without their name, {done.interviews_withdrawn} withdrawn."
        )


def _question(who: str, team: str, channel: str, purpose: str, at: str | None) -> dict[str, object]:
    person = {"email": who} if "@" in who else {"contact": who}
    return {**person, "at": _instant(at), "team": team, "channel": channel, "purpose": purpose}


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput("invalid_instant", "--at takes an instant such as 2026-11-22T15:00:00Z.") from error
    if at.tzinfo is None:
        raise InvalidInput("invalid_instant", "--at needs an offset, such as 2026-11-22T15:00:00+01:00.")
    return at
