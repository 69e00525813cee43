"""A person's own page: name, address, password, where they are signed in, and their keys."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app import cookies
from app.access.keys import KeyView
from app.access.password_rules import MIN_LENGTH
from app.access.principals import Principal
from app.api.dependencies import ServicesDep
from app.pages.dependencies import PageUser, check_csrf, render, user_of
from app.pages.formats import zone_of
from app.pages.key_form import KeyForm, key_form, scope_choices
from app.pages.sign_in import PasswordField
from app.pages.signing_in import client_of, device_of, keep_secret, put_session
from app.services import Services
from core.errors import AppError, NotFound

router = APIRouter(prefix="/me")

TextField = Annotated[str, Form(max_length=1000)]

# What the page says after a form was sent.
_SAVED = {"profile": "Saved.", "password": "The password is set, and every other browser is signed out."}


@router.get("", response_class=HTMLResponse)
def my_page(request: Request, services: ServicesDep, user: PageUser, saved: str = "") -> HTMLResponse:
    return _page(request, services, saved=_SAVED.get(saved))


@router.post("/profile", dependencies=[Depends(check_csrf)])
def change_profile(
    request: Request,
    services: ServicesDep,
    user: PageUser,
    name: TextField = "",
    email: TextField = "",
    password: PasswordField = "",
) -> Response:
    try:
        services.access.passwords.change_profile(_person(user), name, email, password, client_of(request))
    except AppError as error:
        return _page(request, services, error=error)
    return RedirectResponse("/me?saved=profile", status_code=303)


@router.post("/password", dependencies=[Depends(check_csrf)])
def change_password(
    request: Request,
    services: ServicesDep,
    user: PageUser,
    old_password: PasswordField = "",
    password: PasswordField = "",
) -> Response:
    """Set a new password; every other browser is signed out, and this one gets a new session."""
    try:
        secret = services.access.passwords.change(
            _person(user), old_password, password, client_of(request), device_of(request)
        )
    except AppError as error:
        return _page(request, services, error=error)
    response = RedirectResponse("/me?saved=password", status_code=303)
    put_session(request, response, secret)
    return response


@router.post("/sessions/{session_id}/end", dependencies=[Depends(check_csrf)])
def end_session(services: ServicesDep, user: PageUser, session_id: str) -> Response:
    services.access.sessions.end(user.id, session_id)
    return RedirectResponse("/me#sessions", status_code=303)


@router.post("/sessions/end-others", dependencies=[Depends(check_csrf)])
def end_other_sessions(request: Request, services: ServicesDep, user: PageUser) -> Response:
    """Sign out everywhere but here."""
    services.access.sessions.end_all(user.id, user.id, but=cookies.read(request, cookies.SESSION))
    return RedirectResponse("/me#sessions", status_code=303)


@router.post("/keys", response_class=HTMLResponse, dependencies=[Depends(check_csrf)])
def create_key(
    request: Request, services: ServicesDep, user: PageUser, form: Annotated[KeyForm, Depends(key_form)]
) -> Response:
    """Make a key that acts for this person, and show its secret, here and never again."""
    own = KeyForm(form.name, form.scopes, f"user:{_person(user)}", form.expires, form.hides_contacts)
    try:
        key, secret = services.access.keys.create(own.wanted(zone_of(request)), user.id, user)
    except AppError as error:
        return _page(request, services, error=error, form=form)
    return keep_secret(_page(request, services, status_code=201, new_key=key, new_secret=secret))


@router.get("/keys/{key_id}/revoke", response_class=HTMLResponse)
def confirm_revoke(request: Request, services: ServicesDep, user: PageUser, key_id: str) -> HTMLResponse:
    key = next((key for key in services.access.keys.list(_person(user)) if key.id == key_id), None)
    if key is None:
        raise NotFound("key_not_found", "There is no such key.")
    return revoke_question(request, key, back="/me")


@router.post("/keys/{key_id}/revoke", dependencies=[Depends(check_csrf)])
def revoke_key(services: ServicesDep, user: PageUser, key_id: str) -> Response:
    services.access.keys.revoke(key_id, user.id, _person(user))
    return RedirectResponse("/me#keys", status_code=303)


def revoke_question(request: Request, key: KeyView, back: str) -> HTMLResponse:
    """Ask before a program loses its key; `back` is the page whose forms are under `…/keys`."""
    return render(
        request,
        "confirm.html",
        heading=f"Revoke the key “{key.name}”?",
        sentences=["Programs that use it are refused from that moment on. A revoked key cannot be used again."],
        action=f"{back}/keys/{key.id}/revoke",
        button="Revoke it",
        back=back,
    )


def _person(user: Principal) -> str:
    """Return the person's id; who signed in with a key has no page of their own beyond their sessions."""
    if user.user_id is None:
        raise NotFound("user_not_found", "You are signed in with a key, which has no name or password of its own.")
    return user.user_id


def _page(
    request: Request,
    services: Services,
    *,
    status_code: int = 200,
    error: AppError | None = None,
    form: KeyForm | None = None,
    **parts: Any,
) -> HTMLResponse:
    user = user_of(request)
    person = services.access.users.get(user.user_id) if user.user_id else None
    shown: dict[str, Any] = {"new_key": None, "new_secret": None, "saved": None}
    return render(
        request,
        "me.html",
        status_code=error.status if error else status_code,
        person=person,
        sessions=services.access.sessions.list(user.id, cookies.read(request, cookies.SESSION)),
        keys=services.access.keys.list(user.user_id) if user.user_id else [],
        form=form or KeyForm(),
        scopes=scope_choices(user),
        least=MIN_LENGTH,
        error=error.message if error else None,
        **shown | parts,
    )
