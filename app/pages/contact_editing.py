"""Forms to put a person or a company on file and to change them; what is wrong is said above what was typed."""

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from pydantic import ValidationError
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.access.principals import Principal
from app.api.contacts.calling import to_actor
from app.api.dependencies import ServicesDep
from app.pages.contact_form import unreadable
from app.pages.dependencies import PageContactWriter, check_csrf, render
from app.pages.people_on_file import name_of
from app.services import Services
from contact_registry.addresses import email_key, phone_key
from contact_registry.schemas_people import AccountIn, AccountOut, ContactChange, ContactIn, ContactOut
from core.errors import AppError, Conflict, InvalidInput

router = APIRouter(prefix="/contacts")

COMPANIES_OFFERED = 200
_BETWEEN = re.compile(r"[\n,;]+")

Line = Annotated[str, Form(max_length=200)]
Lines = Annotated[str, Form(max_length=20_000)]


@dataclass(frozen=True, slots=True)
class PersonForm:
    """The fields as they were typed. `account` is the company's id as it was, `company` the name that is wanted now;
    `seen` is the state of the person that the form was filled from.
    """

    name: str = ""
    emails: str = ""
    phones: str = ""
    company: str = ""
    account: str = ""
    adds_company: bool = False
    tz: str = ""
    segments: str = ""
    seen: str = ""


@dataclass(frozen=True, slots=True)
class CompanyForm:
    name: str = ""
    tz: str = ""


def person_form(
    name: Line = "",
    emails: Lines = "",
    phones: Lines = "",
    company: Line = "",
    account: Line = "",
    adds_company: Line = "",
    tz: Line = "",
    segments: Lines = "",
    seen: Line = "",
) -> PersonForm:
    is_wanted = bool(adds_company)
    return PersonForm(name.strip(), emails, phones, company.strip(), account, is_wanted, tz.strip(), segments, seen)


def company_form(name: Line = "", tz: Line = "") -> CompanyForm:
    return CompanyForm(name.strip(), tz.strip())


SentPerson = Annotated[PersonForm, Depends(person_form)]
SentCompany = Annotated[CompanyForm, Depends(company_form)]


@router.get("/new", response_class=HTMLResponse)
def new_person(request: Request, services: ServicesDep, user: PageContactWriter) -> HTMLResponse:
    return _person_page(request, services, PersonForm())


@router.post("/new", dependencies=[Depends(check_csrf)])
def add_person(request: Request, services: ServicesDep, user: PageContactWriter, form: SentPerson) -> Response:
    """Put somebody on file."""
    try:
        fields = _checked(form)
        fields["account"] = _account_of(services, user, form)
        contact = services.registry.add_contact(ContactIn.model_validate(fields), to_actor(user))
    except ValidationError as invalid:
        return _person_page(request, services, form, error=unreadable(invalid))
    except AppError as error:
        return _person_page(request, services, form, error=error)
    return RedirectResponse(f"/contacts/{contact.id}", status_code=303)


@router.get("/{contact_id}/edit", response_class=HTMLResponse)
def edit_person(request: Request, services: ServicesDep, user: PageContactWriter, contact_id: str) -> HTMLResponse:
    contact = services.registry.get_contact(contact_id)
    return _person_page(request, services, _filled(contact), contact)


@router.post("/{contact_id}/edit", dependencies=[Depends(check_csrf)])
def change_person(
    request: Request, services: ServicesDep, user: PageContactWriter, contact_id: str, form: SentPerson
) -> Response:
    """Replace name, addresses, company, zone and segments by what was typed."""
    contact = services.registry.get_contact(contact_id)
    try:
        if form.seen != contact.updated_at.isoformat():
            raise Conflict("contact_changed", "Somebody changed this person meanwhile: open the form again.")
        fields = _checked(form)
        fields["account"] = _account_of(services, user, form)
        services.registry.change_contact(contact.id, ContactChange.model_validate(fields), to_actor(user))
    except ValidationError as invalid:
        return _person_page(request, services, form, contact, error=unreadable(invalid))
    except AppError as error:
        return _person_page(request, services, form, contact, error=error)
    return RedirectResponse(f"/contacts/{contact.id}", status_code=303)


@router.get("/accounts/new", response_class=HTMLResponse)
def new_company(request: Request, user: PageContactWriter) -> HTMLResponse:
    return _company_page(request, CompanyForm())


@router.post("/accounts/new", dependencies=[Depends(check_csrf)])
def add_company(request: Request, services: ServicesDep, user: PageContactWriter, form: SentCompany) -> Response:
    """Put a company on file."""
    try:
        account = services.registry.add_account(_company_of(form), to_actor(user))
    except AppError as error:
        return _company_page(request, form, error=error)
    return RedirectResponse(f"/contacts/accounts/{account.id}", status_code=303)


@router.get("/accounts/{account_id}/edit", response_class=HTMLResponse)
def edit_company(request: Request, services: ServicesDep, user: PageContactWriter, account_id: str) -> HTMLResponse:
    account = services.registry.get_account(account_id)
    return _company_page(request, CompanyForm(account.name, account.tz or ""), account)


@router.post("/accounts/{account_id}/edit", dependencies=[Depends(check_csrf)])
def change_company(
    request: Request, services: ServicesDep, user: PageContactWriter, account_id: str, form: SentCompany
) -> Response:
    """Replace the company's name and zone."""
    account = services.registry.get_account(account_id)
    try:
        services.registry.accounts.change(account.id, _company_of(form), to_actor(user))
    except AppError as error:
        return _company_page(request, form, account, error=error)
    return RedirectResponse(f"/contacts/accounts/{account.id}", status_code=303)


def _several(text: str) -> list[str]:
    return [one.strip() for one in _BETWEEN.split(text) if one.strip()]


def _checked(form: PersonForm) -> dict[str, object]:
    """Return the fields as the registry takes them. Raises InvalidInput that says which of several is wrong."""
    emails, phones = _several(form.emails), _several(form.phones)
    for field, values, read in (("e-mail addresses", emails, email_key), ("phone numbers", phones, phone_key)):
        for number, value in enumerate(values, start=1):
            try:
                read(value)
            except InvalidInput as error:
                where = f"Number {number} of the {field}: " if len(values) > 1 else ""
                raise InvalidInput(error.code, where + error.message) from error
    if not (form.name or emails or phones):
        raise InvalidInput("nobody_named", "Give a name, an e-mail address or a phone number.")
    return {
        "name": form.name or None,
        "emails": emails,
        "phones": phones,
        "tz": form.tz or None,
        "segments": _several(form.segments),
    }


def _account_of(services: Services, user: Principal, form: PersonForm) -> str | None:
    """Return the id of the company that was typed, which is added if that was ticked.

    Raises InvalidInput `unknown_account`, Conflict `several_accounts`.
    """
    if not form.company:
        return None
    alike = services.registry.find_accounts(form.company, limit=COMPANIES_OFFERED).items
    same = [account for account in alike if account.name.casefold() == form.company.casefold()]
    if form.account in [account.id for account in same]:
        return form.account
    if len(same) > 1:
        raise Conflict(
            "several_accounts", f"There are {len(same)} companies of this name: rename all but one of them first."
        )
    if same:
        return same[0].id
    if not form.adds_company:
        raise InvalidInput(
            "unknown_account",
            "There is no company of this name. Look at its spelling, or tick that it is to be added.",
        )
    return services.registry.add_account(AccountIn(name=form.company), to_actor(user)).id


def _company_of(form: CompanyForm) -> AccountIn:
    if not form.name:
        raise InvalidInput("no_name", "Give the company a name.", field="name")
    try:
        return AccountIn(name=form.name, tz=form.tz or None)
    except ValidationError as error:
        raise unreadable(error) from error


def _filled(contact: ContactOut) -> PersonForm:
    return PersonForm(
        name=contact.name or "",
        emails="\n".join(contact.emails),
        phones="\n".join(contact.phones),
        company=contact.account_name or "",
        account=contact.account or "",
        tz=contact.tz or "",
        segments=", ".join(contact.segments),
        seen=contact.updated_at.isoformat(),
    )


def _person_page(
    request: Request,
    services: Services,
    form: PersonForm,
    contact: ContactOut | None = None,
    *,
    error: AppError | None = None,
) -> HTMLResponse:
    return render(
        request,
        "contact_edit.html",
        status_code=error.status if error else 200,
        form=form,
        contact=contact,
        who=None if contact is None else name_of(contact),
        companies=[account.name for account in services.registry.find_accounts(limit=COMPANIES_OFFERED).items],
        error=error.message if error else None,
        taken_by=error.extra.get("contact") if error else None,
    )


def _company_page(
    request: Request, form: CompanyForm, account: AccountOut | None = None, *, error: AppError | None = None
) -> HTMLResponse:
    return render(
        request,
        "account_edit.html",
        status_code=error.status if error else 200,
        form=form,
        account=account,
        error=error.message if error else None,
    )
