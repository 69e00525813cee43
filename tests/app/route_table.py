"""Every route with what it needs and a request that is in order: `tests/app/test_every_route.py` sends them all.

A new route gets a line here. `{name}` in a path or a value is filled from the ids of `tests/app/everybody.py`.
"""

from dataclasses import dataclass, field
from typing import Any

from app.access.permissions import Permission

ANYBODY = frozenset[Permission]()  # who is signed in, whatever they may do
ADMINISTRATORS = frozenset({Permission.ADMIN})
READERS = frozenset({Permission.READ})
INGESTERS = frozenset({Permission.INGEST})
READERS_OR_INGESTERS = READERS | INGESTERS
CONTACT_READERS = frozenset({Permission.CONTACTS_READ})
CONTACT_WRITERS = frozenset({Permission.CONTACTS_WRITE})
PRIVACY = frozenset({Permission.PRIVACY})

TUS = {"Tus-Resumable": "1.0.0"}
AT = "2026-07-01T10:00:00Z"
QUESTION = {"contact": "{contact_id}", "at": AT, "team": "research", "channel": "email", "purpose": "interview"}
RULE = {"id": "gap30", "name": "30 days", "kind": "min_gap", "gap": "P30D"}
CSV = b"email,team,channel,purpose,at\nnew@shop.example,research,email,interview,2026-01-05T10:00:00Z\n"
ASKS = {"who": "new@shop.example", "team": "research", "purpose": "interview", "channel": "email"}


@dataclass(frozen=True, slots=True)
class Needs:
    """One of the permissions is needed (none: to be signed in); None: the route is open to everybody.

    `status` is the answer to those who may; `by_caller` names callers whose answer is another one.
    """

    permissions: frozenset[Permission] | None
    status: int = 200
    json: Any = None
    form: dict[str, str] | None = None
    files: dict[str, tuple[str, bytes]] | None = None
    content: bytes | None = None
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    by_caller: dict[str, int] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)  # names of path parameters to other names of ids
    is_of_interview: bool = False  # 404 to those to whom the interview's project is hidden


API = "/api/v1"
_OWN_KEYS_ONLY = dict.fromkeys(("key read", "key ingest", "key contacts:read", "key contacts:write"), 403)
_MEMBERS_KEYS = {"viewer": 404, "member": 404, "member of another team": 404, "privacy": 404} | _OWN_KEYS_ONLY

_SYSTEM = {
    "GET /healthz": Needs(None),
    "GET /.well-known/security.txt": Needs(None, 404),
    "GET /api/openapi.json": Needs(None),
    "GET /api/docs": Needs(None),
    f"GET {API}/projects": Needs(READERS_OR_INGESTERS),
    f"PUT {API}/projects/{{project_id}}": Needs(INGESTERS, json={"name": "Another name"}),
    f"GET {API}/teams": Needs(ANYBODY),
    f"PUT {API}/teams/{{team_id}}": Needs(ADMINISTRATORS, json={"name": "Another name"}),
    f"GET {API}/keys": Needs(ANYBODY),
    f"POST {API}/keys": Needs(
        ANYBODY, 201, json={"name": "mine", "scopes": ["read"], "user": "{user_id}"}, by_caller=_OWN_KEYS_ONLY
    ),
    f"DELETE {API}/keys/{{key_id}}": Needs(ANYBODY, 204, by_caller=_MEMBERS_KEYS),
    f"GET {API}/audit": Needs(ADMINISTRATORS),
    f"GET {API}/audit/export": Needs(ADMINISTRATORS),
}

_INTERVIEWS = {
    f"POST {API}/interviews": Needs(INGESTERS, 201, json={"title": "New", "segments": [{"text": "Hello."}]}),
    f"POST {API}/recordings": Needs(INGESTERS, 202, files={"file": ("a.txt", b"Ann: Hello there.\n")}),
    f"GET {API}/interviews": Needs(READERS),
    f"GET {API}/interviews/{{interview_id}}": Needs(
        READERS_OR_INGESTERS, is_of_interview=True, by_caller={"key ingest": 404}
    ),
    f"DELETE {API}/interviews/{{interview_id}}": Needs(
        INGESTERS, 204, is_of_interview=True, by_caller={"key ingest": 404}
    ),
    f"POST {API}/interviews/{{interview_id}}/retry": Needs(
        INGESTERS, 409, is_of_interview=True, by_caller={"key ingest": 404}
    ),
    f"POST {API}/interviews/{{interview_id}}/cancel": Needs(
        INGESTERS, 409, is_of_interview=True, by_caller={"key ingest": 404}
    ),
    f"GET {API}/interviews/{{interview_id}}/segments": Needs(READERS, is_of_interview=True),
    f"GET {API}/interviews/{{interview_id}}/transcript": Needs(READERS, is_of_interview=True, query={"format": "vtt"}),
    f"GET {API}/interviews/{{interview_id}}/recording": Needs(READERS, is_of_interview=True),
    f"GET {API}/interviews/{{interview_id}}/participants": Needs(READERS, is_of_interview=True),
    f"PUT {API}/interviews/{{interview_id}}/participants/{{ordinal}}/contact": Needs(
        CONTACT_WRITERS, json={"contact": "{contact_id}"}, is_of_interview=True, by_caller={"key contacts:write": 404}
    ),
    f"PUT {API}/interviews/{{interview_id}}/participants/{{ordinal}}/consent": Needs(
        INGESTERS, json={}, is_of_interview=True, by_caller={"key ingest": 404}
    ),
    f"POST {API}/interviews/{{interview_id}}/withdrawal": Needs(PRIVACY, is_of_interview=True),
    f"GET {API}/withdrawals/{{withdrawal_id}}": Needs(PRIVACY, 404),
    f"GET {API}/retention": Needs(ADMINISTRATORS),
    f"OPTIONS {API}/uploads": Needs(INGESTERS, 204),
    f"POST {API}/uploads": Needs(INGESTERS, 201, headers=TUS | {"Upload-Length": "5"}),
    f"HEAD {API}/uploads/{{upload_id}}": Needs(INGESTERS, headers=TUS),
    f"PATCH {API}/uploads/{{upload_id}}": Needs(
        INGESTERS,
        204,
        content=b"RI",
        headers=TUS | {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"},
    ),
    f"DELETE {API}/uploads/{{upload_id}}": Needs(INGESTERS, 204, headers=TUS),
    f"GET {API}/search": Needs(READERS, query={"q": "mails", "facets": "true", "group": "interview"}),
    f"GET {API}/answers": Needs(READERS, query={"q": "How many mails in one week?"}),
    f"GET {API}/saved-searches": Needs(READERS),
    f"POST {API}/saved-searches": Needs(READERS, 201, json={"name": "Mine", "search": {"q": "mails"}}),
    f"GET {API}/saved-searches/{{saved_search_id}}": Needs(READERS, 404),
    f"POST {API}/saved-searches/{{saved_search_id}}/look": Needs(READERS, 404),
    f"DELETE {API}/saved-searches/{{saved_search_id}}": Needs(READERS, 404),
    f"GET {API}/search-quality/questions": Needs(ADMINISTRATORS),
    f"POST {API}/search-quality/questions": Needs(
        ADMINISTRATORS,
        201,
        json={"query": "mails", "moments": [{"interview": "{interview_id}", "first_segment": 0, "last_segment": 0}]},
    ),
    f"DELETE {API}/search-quality/questions/{{question_id}}": Needs(ADMINISTRATORS, 404),
    f"DELETE {API}/search-quality/moments/{{moment_id}}": Needs(ADMINISTRATORS, 404),
    f"GET {API}/search-quality/runs": Needs(ADMINISTRATORS),
    f"POST {API}/search-quality/runs": Needs(ADMINISTRATORS, 422),
    f"GET {API}/search-quality/runs/{{run_id}}": Needs(ADMINISTRATORS, 404),
    f"GET {API}/search/suggestions": Needs(READERS, query={"q": "mai"}),
    f"GET {API}/moments/similar": Needs(
        READERS,
        query={"interview": "{interview_id}", "first_segment": "0", "last_segment": "1"},
        is_of_interview=True,
    ),
}

_NOT_THEIR_JOB = dict.fromkeys(
    (
        "viewer",
        "member",
        "member of another team",
        "privacy",
        "key contacts:read",
        "key contacts:write",
    ),
    404,
)
_CONTACTS = {
    f"POST {API}/eligibility/check": Needs(CONTACT_READERS, json=QUESTION),
    f"POST {API}/eligibility/batch-check": Needs(CONTACT_READERS, 207, json={"items": [QUESTION]}),
    f"POST {API}/eligibility/csv-check": Needs(CONTACT_READERS, content=CSV, query={"at": AT}),
    f"POST {API}/eligibility/csv-check/result.csv": Needs(CONTACT_READERS, content=CSV, query={"at": AT}),
    f"POST {API}/addresses/normalise": Needs(CONTACT_READERS, json={"email": "new@shop.example"}),
    f"POST {API}/reservations": Needs(CONTACT_WRITERS, 201, json=QUESTION),
    f"POST {API}/reservations:batch": Needs(CONTACT_WRITERS, 207, json={"items": [QUESTION]}),
    f"GET {API}/reservations": Needs(CONTACT_READERS),
    f"POST {API}/reservations/{{reservation_id}}/confirm": Needs(CONTACT_WRITERS),
    f"POST {API}/reservations/{{reservation_id}}/release": Needs(CONTACT_WRITERS),
    f"POST {API}/reservations/{{reservation_id}}/extend": Needs(CONTACT_WRITERS, json={}),
    f"POST {API}/touchpoints": Needs(CONTACT_WRITERS, 201, json=QUESTION),
    f"GET {API}/touchpoints/{{touchpoint_id}}": Needs(CONTACT_READERS),
    f"PATCH {API}/touchpoints/{{touchpoint_id}}": Needs(CONTACT_WRITERS, json={"status": "no_show"}),
    f"POST {API}/contacts": Needs(CONTACT_WRITERS, 201, json={"name": "New", "emails": ["new@shop.example"]}),
    f"GET {API}/contacts": Needs(CONTACT_READERS),
    f"GET {API}/contacts/{{contact_id}}": Needs(CONTACT_READERS),
    f"GET {API}/contacts/{{contact_id}}/timeline": Needs(CONTACT_READERS),
    f"PATCH {API}/contacts/{{contact_id}}": Needs(CONTACT_WRITERS, json={"name": "Another name"}),
    f"POST {API}/contacts/{{contact_id}}/merge": Needs(CONTACT_WRITERS, json={"from": "{other_contact_id}"}),
    f"POST {API}/contacts/{{contact_id}}/unmerge": Needs(CONTACT_WRITERS, ids={"contact_id": "merged_contact_id"}),
    f"POST {API}/contacts/{{contact_id}}/erase": Needs(PRIVACY),
    f"POST {API}/accounts": Needs(CONTACT_WRITERS, 201, json={"name": "New"}),
    f"GET {API}/accounts": Needs(CONTACT_READERS),
    f"GET {API}/accounts/{{account_id}}": Needs(CONTACT_READERS),
    f"PUT {API}/accounts/{{account_id}}": Needs(CONTACT_WRITERS, json={"name": "Another name"}),
    f"GET {API}/accounts/{{account_id}}/timeline": Needs(CONTACT_READERS),
    f"POST {API}/suppressions": Needs(
        CONTACT_WRITERS, 201, json={"subject": {"contact": "{contact_id}"}, "source": "opt_out"}
    ),
    f"GET {API}/suppressions": Needs(CONTACT_READERS),
    f"DELETE {API}/suppressions/{{suppression_id}}": Needs(PRIVACY, json={"evidence": "They wrote to us."}),
    f"POST {API}/consents": Needs(
        CONTACT_WRITERS,
        201,
        json={"contact": "{contact_id}", "purpose": "interview", "state": "granted", "effective_from": AT},
    ),
    f"GET {API}/contacts/{{contact_id}}/consents": Needs(CONTACT_READERS),
    f"GET {API}/policy-sets": Needs(CONTACT_READERS),
    f"GET {API}/policy-sets/active": Needs(CONTACT_READERS),
    f"GET {API}/policy-sets/draft": Needs(CONTACT_READERS),
    f"PUT {API}/policy-sets/draft": Needs(ADMINISTRATORS, json={"policies": [RULE]}),
    f"POST {API}/policy-sets/draft/simulate": Needs(
        CONTACT_READERS, json={"question": {k: v for k, v in QUESTION.items() if k != "contact"}}
    ),
    f"POST {API}/policy-sets/draft/activate": Needs(ADMINISTRATORS),
    f"GET {API}/policy-sets/{{version}}": Needs(CONTACT_READERS),
    f"GET {API}/purposes": Needs(CONTACT_READERS),
    f"PUT {API}/purposes/{{purpose_id}}": Needs(ADMINISTRATORS, json={"class": "outreach"}),
    f"POST {API}/imports": Needs(CONTACT_WRITERS, 207, json={"rows": [{"email": "new@shop.example"}]}),
    f"POST {API}/imports/csv": Needs(CONTACT_WRITERS, 207, content=CSV),
    f"GET {API}/imports/{{import_id}}": Needs(CONTACT_READERS),
    f"GET {API}/imports/{{import_id}}/result.csv": Needs(CONTACT_READERS),
    f"POST {API}/imports/{{import_id}}/undo": Needs(CONTACT_WRITERS),
    f"GET {API}/jobs/{{job_id}}": Needs(CONTACT_READERS, by_caller=_NOT_THEIR_JOB),
    f"GET {API}/jobs/{{job_id}}/result": Needs(CONTACT_READERS, by_caller=_NOT_THEIR_JOB),
    f"GET {API}/conflicts": Needs(CONTACT_READERS),
    f"GET {API}/registry/stats": Needs(CONTACT_READERS),
}

_PAGES = {
    "GET /sign-in": Needs(None),
    "POST /sign-in": Needs(None, 401, form={"token": "nobody's"}),
    "POST /sign-out": Needs(None, 303, form={}),
    "GET /": Needs(READERS, query={"q": "mails"}),
    "GET /suggestions": Needs(READERS, query={"q": "mai"}),
    "GET /similar": Needs(
        READERS, query={"interview": "{interview_id}", "first": "0", "last": "1"}, is_of_interview=True
    ),
    "GET /saved-searches/new": Needs(READERS, query={"q": "mails"}),
    "POST /saved-searches": Needs(READERS, 303, form={"asked": "q=mails", "name": "Mine"}),
    "POST /saved-searches/{saved_search_id}/open": Needs(READERS, 404, form={}),
    "POST /saved-searches/{saved_search_id}/delete": Needs(READERS, 404, form={}),
    "GET /answers": Needs(READERS, query={"q": "How many mails in one week?"}),
    "GET /interviews": Needs(READERS),
    "GET /interviews/{interview_id}": Needs(READERS, is_of_interview=True),
    "GET /interviews/{interview_id}/progress": Needs(READERS, 204, is_of_interview=True),
    "GET /interviews/{interview_id}/media": Needs(READERS, is_of_interview=True),
    "GET /interviews/{interview_id}/transcript": Needs(READERS, is_of_interview=True),
    "POST /interviews/{interview_id}/retry": Needs(INGESTERS, 409, form={}, is_of_interview=True),
    "POST /interviews/{interview_id}/cancel": Needs(INGESTERS, 409, form={}, is_of_interview=True),
    "GET /interviews/{interview_id}/delete": Needs(INGESTERS, is_of_interview=True),
    "POST /interviews/{interview_id}/delete": Needs(INGESTERS, 303, form={}, is_of_interview=True),
    "GET /upload": Needs(INGESTERS),
    "POST /upload": Needs(INGESTERS, 303, form={"title": "New"}, files={"files": ("a.txt", b"Ann: Hello there.\n")}),
    "POST /upload/details": Needs(INGESTERS, form={"title": "New"}),
    "GET /projects": Needs(ANYBODY),
    "POST /projects": Needs(INGESTERS, 303, form={"name": "New"}),
    "GET /projects/{project_id}": Needs(INGESTERS),
    "POST /projects/{project_id}": Needs(INGESTERS, 303, form={"name": "Another name"}),
    "POST /teams": Needs(ADMINISTRATORS, 303, form={"name": "New"}),
    "POST /interviews/{interview_id}/participants/{ordinal}/consent": Needs(
        INGESTERS, 303, form={"quote": "yes"}, is_of_interview=True
    ),
    "GET /interviews/{interview_id}/withdraw": Needs(PRIVACY, is_of_interview=True),
    "POST /interviews/{interview_id}/withdraw": Needs(PRIVACY, 303, form={}, is_of_interview=True),
    "GET /withdrawals/{withdrawal_id}": Needs(PRIVACY, 404),
    "GET /retention": Needs(ADMINISTRATORS),
    "GET /search-quality": Needs(ADMINISTRATORS, query={"q": "mails"}),
    "POST /search-quality/expected": Needs(
        ADMINISTRATORS,
        303,
        form={"q": "mails", "interview": "{interview_id}", "first_segment": "0", "last_segment": "0"},
    ),
    "POST /search-quality/run": Needs(ADMINISTRATORS, 422, form={}),
    "POST /search-quality/questions/{question_id}/delete": Needs(ADMINISTRATORS, 404, form={}),
    "POST /search-quality/expected/{moment_id}/delete": Needs(ADMINISTRATORS, 404, form={}),
    "GET /audit": Needs(ADMINISTRATORS),
    "GET /audit/export": Needs(ADMINISTRATORS),
    "GET /settings": Needs(ADMINISTRATORS),
    "POST /settings/keys": Needs(ADMINISTRATORS, 201, form={"name": "mine", "scopes": "read"}),
    "GET /settings/keys/{key_id}/revoke": Needs(ADMINISTRATORS),
    "POST /settings/keys/{key_id}/revoke": Needs(ADMINISTRATORS, 303, form={}),
}

_OTHER = {"user_id": "other_user_id"}
_PEOPLE = {
    "GET /choose-password": Needs(None, 401, query={"token": "nobody's"}),
    "GET /sign-in/single-sign-on": Needs(None, 404),  # it is not set up in this world
    "GET /sign-in/single-sign-on/callback": Needs(None, 404),
    "POST /choose-password": Needs(None, 401, form={"token": "nobody's", "password": "long enough to be one"}),
    f"GET {API}/me": Needs(ANYBODY),
    f"GET {API}/me/sessions": Needs(ANYBODY, by_caller=_OWN_KEYS_ONLY),
    f"DELETE {API}/me/sessions": Needs(ANYBODY, 204, by_caller=_OWN_KEYS_ONLY),
    f"DELETE {API}/me/sessions/{{session_id}}": Needs(ANYBODY, 404, by_caller=_OWN_KEYS_ONLY),
    f"GET {API}/users": Needs(ADMINISTRATORS),
    f"POST {API}/users": Needs(ADMINISTRATORS, 201, json={"name": "New", "email": "new@shop.example"}),
    f"GET {API}/users/{{user_id}}": Needs(ADMINISTRATORS, ids=_OTHER),
    f"PATCH {API}/users/{{user_id}}": Needs(ADMINISTRATORS, json={"name": "Another name"}, ids=_OTHER),
    f"POST {API}/users/{{user_id}}/reset-link": Needs(ADMINISTRATORS, 201, ids=_OTHER),
    f"GET {API}/teams/{{team_id}}/members": Needs(ADMINISTRATORS),
    f"GET {API}/teams/{{team_id}}/members/{{user_id}}": Needs(ADMINISTRATORS, ids={"user_id": "member_user_id"}),
    f"PUT {API}/teams/{{team_id}}/members/{{user_id}}": Needs(ADMINISTRATORS, ids=_OTHER),
    f"DELETE {API}/teams/{{team_id}}/members/{{user_id}}": Needs(
        ADMINISTRATORS, 204, ids={"user_id": "member_user_id"}
    ),
    "GET /users": Needs(ADMINISTRATORS),
    "POST /users": Needs(ADMINISTRATORS, 201, form={"name": "New", "email": "new@shop.example", "role": "member"}),
    "GET /users/{user_id}": Needs(ADMINISTRATORS, ids=_OTHER),
    "POST /users/{user_id}": Needs(ADMINISTRATORS, 303, form={"name": "Another name", "role": "viewer"}, ids=_OTHER),
    "POST /users/{user_id}/link": Needs(ADMINISTRATORS, 201, form={}, ids=_OTHER),
    "GET /users/{user_id}/disable": Needs(ADMINISTRATORS, ids=_OTHER),
    "POST /users/{user_id}/disable": Needs(ADMINISTRATORS, 303, form={}, ids=_OTHER),
    "POST /users/{user_id}/enable": Needs(ADMINISTRATORS, 303, form={}, ids={"user_id": "gone_user_id"}),
    "GET /me": Needs(ANYBODY),
    "POST /me/profile": Needs(ANYBODY, 303, form={"name": "Another name"}),
    "POST /me/password": Needs(ANYBODY, 303, form={"password": "seven green elephants sing"}),
    "POST /me/sessions/{session_id}/end": Needs(ANYBODY, 404, form={}),
    "POST /me/sessions/end-others": Needs(ANYBODY, 303, form={}),
    "POST /me/keys": Needs(ANYBODY, 201, form={"name": "mine", "scopes": "read"}),
    "GET /me/keys/{key_id}/revoke": Needs(ANYBODY, 404),
    "POST /me/keys/{key_id}/revoke": Needs(ANYBODY, 404, form={}),
}

_BOOKING = {"touchpoint_id": "reservation_id"}
_CONTACT_PAGES = {
    "GET /interviews/{interview_id}/participants/{ordinal}": Needs(CONTACT_WRITERS, is_of_interview=True),
    "POST /interviews/{interview_id}/participants/{ordinal}/find": Needs(
        CONTACT_WRITERS, form={"query": "new"}, is_of_interview=True
    ),
    "POST /interviews/{interview_id}/participants/{ordinal}/contact": Needs(
        CONTACT_WRITERS, 303, form={"contact": "{contact_id}", "name": "Dodo"}, is_of_interview=True
    ),
    "POST /contacts/{contact_id}/consents": Needs(
        CONTACT_WRITERS, 303, form={"purpose": "interview", "state": "granted", "evidence": "They said so."}
    ),
    "POST /contacts/{contact_id}/merge": Needs(CONTACT_WRITERS, 303, form={"source": "{other_contact_id}"}),
    "GET /contacts/{contact_id}/reminder.ics": Needs(CONTACT_READERS, query={"at": AT}),
    "GET /contacts/touchpoints/{touchpoint_id}": Needs(CONTACT_READERS),
    "POST /contacts/touchpoints/{touchpoint_id}/outcome": Needs(CONTACT_WRITERS, 303, form={"outcome": "no_show"}),
    "POST /contacts/touchpoints/{touchpoint_id}/move": Needs(
        CONTACT_WRITERS, 303, form={"at": "2026-11-01T14:00"}, ids=_BOOKING
    ),
    "POST /contacts/touchpoints/{touchpoint_id}/extend": Needs(
        CONTACT_WRITERS, 303, form={"ttl": "PT1H"}, ids=_BOOKING
    ),
    "POST /contacts/files/reserve": Needs(CONTACT_WRITERS, form=ASKS | {"row": "1"}, files={"file": ("a.csv", CSV)}),
    "POST /reservations/many": Needs(CONTACT_WRITERS, form=ASKS | {"person": "new@shop.example"}),
    "GET /contacts/new": Needs(CONTACT_WRITERS),
    "POST /contacts/new": Needs(CONTACT_WRITERS, 303, form={"name": "New", "emails": "new@shop.example"}),
    "GET /contacts/{contact_id}/edit": Needs(CONTACT_WRITERS),
    "POST /contacts/{contact_id}/edit": Needs(CONTACT_WRITERS, 303, form={"name": "New", "seen": "{contact_seen}"}),
    "GET /contacts/accounts/new": Needs(CONTACT_WRITERS),
    "POST /contacts/accounts/new": Needs(CONTACT_WRITERS, 303, form={"name": "New"}),
    "GET /contacts/accounts/{account_id}/edit": Needs(CONTACT_WRITERS),
    "POST /contacts/accounts/{account_id}/edit": Needs(CONTACT_WRITERS, 303, form={"name": "Another name"}),
    "GET /contacts": Needs(CONTACT_READERS),
    "POST /contacts": Needs(CONTACT_READERS, form=ASKS),
    "GET /contacts/{contact_id}": Needs(CONTACT_READERS),
    "GET /contacts/rules": Needs(CONTACT_READERS),
    "POST /contacts/rules/add": Needs(
        ADMINISTRATORS, 303, form={"kind": "gap", "days": "30", "revision": "{revision}"}
    ),
    "POST /contacts/rules/remove": Needs(ADMINISTRATORS, 303, form={"rule": "nothing", "revision": "{revision}"}),
    "POST /contacts/rules/json": Needs(ADMINISTRATORS, 303, form={"policies": "[]", "revision": "{revision}"}),
    "POST /contacts/rules/reset": Needs(ADMINISTRATORS, 303, form={}),
    "POST /contacts/rules/simulate": Needs(CONTACT_READERS, form=ASKS),
    "GET /contacts/rules/activate": Needs(ADMINISTRATORS),
    "POST /contacts/rules/activate/{revision}": Needs(ADMINISTRATORS, 303, form={}),
    "GET /contacts/conflicts": Needs(CONTACT_READERS),
    "POST /contacts/conflicts/{touchpoint_id}/cancel": Needs(
        CONTACT_WRITERS, 303, form={}, ids={"touchpoint_id": "reservation_id"}
    ),
    "GET /contacts/files": Needs(CONTACT_READERS),
    "GET /contacts/files/template.csv": Needs(CONTACT_READERS),
    "POST /contacts/files/check": Needs(CONTACT_READERS, form=ASKS, files={"file": ("a.csv", CSV)}),
    "POST /contacts/files/import": Needs(CONTACT_WRITERS, form=ASKS, files={"file": ("a.csv", CSV)}),
    "GET /contacts/files/imports/{import_id}": Needs(CONTACT_READERS),
    "GET /contacts/files/imports/{import_id}/result.csv": Needs(CONTACT_READERS),
    "POST /contacts/files/imports/{import_id}/undo": Needs(CONTACT_WRITERS, 303, form={}),
    "GET /contacts/files/jobs/{job_id}": Needs(CONTACT_READERS, by_caller=_NOT_THEIR_JOB),
    "GET /contacts/files/jobs/{job_id}/result.csv": Needs(CONTACT_READERS, by_caller=_NOT_THEIR_JOB),
    "POST /contacts/files/jobs/{job_id}/import": Needs(CONTACT_WRITERS, 303, form={}, by_caller=_NOT_THEIR_JOB),
    "GET /contacts/stops": Needs(CONTACT_READERS),
    "POST /contacts/stops": Needs(
        CONTACT_WRITERS, 303, form={"kind": "email", "who": "new@shop.example", "source": "opt_out"}
    ),
    "POST /contacts/stops/{stop_id}/lift": Needs(PRIVACY, 303, form={"evidence": "They wrote to us."}),
    "GET /contacts/accounts": Needs(CONTACT_READERS),
    "POST /contacts/accounts": Needs(CONTACT_READERS, form={"query": "new"}),
    "GET /contacts/accounts/{account_id}": Needs(CONTACT_READERS),
    "GET /reservations": Needs(CONTACT_READERS),
    "POST /reservations": Needs(CONTACT_WRITERS, 303, form=ASKS | {"ttl": "PT15M"}),
    "POST /reservations/{reservation_id}/confirm": Needs(CONTACT_WRITERS, 303, form={}),
    "POST /reservations/{reservation_id}/release": Needs(CONTACT_WRITERS, 303, form={}),
}

ROUTES = {**_SYSTEM, **_INTERVIEWS, **_CONTACTS, **_PAGES, **_PEOPLE, **_CONTACT_PAGES}
