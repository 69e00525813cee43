"""API keys and the state of this Earshot: what is there, what is missing and what to do about it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.api.dependencies import ServicesDep
from app.doctor import Finding, examine
from app.pages.choices import team_choices
from app.pages.dependencies import PageAdministrator, check_csrf, render, user_of
from app.pages.formats import zone_of
from app.pages.key_form import WORKSPACE, KeyForm, key_form, scope_choices
from app.pages.looks import Look
from app.pages.me import revoke_question
from app.pages.signing_in import keep_secret
from app.services import Services
from core.errors import InvalidInput, NotFound

router = APIRouter(prefix="/settings")

_FINE = Look("fine", "tick", "good")
_LOOK_AT_IT = Look("look at this", "warning", "wait")


@router.get("", response_class=HTMLResponse)
def settings_page(request: Request, services: ServicesDep, user: PageAdministrator) -> HTMLResponse:
    return _page(request, services)


@router.post("/keys", response_class=HTMLResponse, dependencies=[Depends(check_csrf)])
def create_key(
    request: Request, services: ServicesDep, user: PageAdministrator, form: Annotated[KeyForm, Depends(key_form)]
) -> Response:
    """Make a key and show its secret, here and never again."""
    try:
        key, secret = services.access.keys.create(form.wanted(zone_of(request)), user.id, user)
    except InvalidInput as error:
        return _page(request, services, status_code=error.status, error=error.message, form=form)
    return keep_secret(_page(request, services, status_code=201, new_key=key, new_secret=secret))


@router.get("/keys/{key_id}/revoke", response_class=HTMLResponse)
def confirm_revoke(request: Request, services: ServicesDep, user: PageAdministrator, key_id: str) -> HTMLResponse:
    """Ask before a program loses its key."""
    key = next((key for key in services.access.keys.list() if key.id == key_id), None)
    if key is None:
        raise NotFound("key_not_found", "There is no such key.")
    return revoke_question(request, key, back="/settings")


@router.post("/keys/{key_id}/revoke", dependencies=[Depends(check_csrf)])
def revoke_key(services: ServicesDep, user: PageAdministrator, key_id: str) -> Response:
    services.access.keys.revoke(key_id, user.id)
    return RedirectResponse("/settings", status_code=303)


def _page(request: Request, services: Services, *, status_code: int = 200, **parts: Any) -> HTMLResponse:
    shown: dict[str, Any] = {"error": None, "new_key": None, "new_secret": None, "form": KeyForm()}
    owners = _owners(services)
    return render(
        request,
        "settings.html",
        status_code=status_code,
        keys=services.access.keys.list(),
        scopes=scope_choices(user_of(request)),
        owners=owners,
        owner_words=dict(owners),
        checks=[_check(finding) for finding in examine(services)],
        facts=[
            ("Version", request.app.version),
            ("Time zone", services.settings.timezone),
            ("Speech model", services.settings.whisper_model),
            ("Embedding model", services.settings.embedding_model),
            ("Data folder", str(services.settings.data_dir.resolve())),
        ],
        **shown | parts,
    )


def _owners(services: Services) -> list[tuple[str, str]]:
    """Return (value, word) of everybody a key can act for."""
    teams = [(f"team:{team_id}", f"Team {name}") for team_id, name in team_choices(services)]
    people = [(f"user:{user.id}", user.name) for user in services.access.users.list() if user.disabled_at is None]
    return [(WORKSPACE, "The workspace"), *teams, *people]


def _check(finding: Finding) -> dict[str, Any]:
    name = finding.name[:1].upper() + finding.name[1:]
    return {"name": name, "look": _FINE if finding.ok else _LOOK_AT_IT, "sentence": finding.message}
