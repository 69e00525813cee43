"""Builds the app from its services: routers, error answers, security headers. No settings and no globals are read."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

import app.api.answers as answers_api
import app.api.contacts as contacts_api
import app.api.interviews as interviews_api
import app.api.saved_searches as saved_searches_api
import app.api.search as search_api
import app.api.search_quality as search_quality_api
import app.api.uploads as uploads_api
import app.api.users as users_api
from app.api import audit, consent, docs, participants, problems, system
from app.api.documented_problems import describe_errors
from app.api.limits import BodyLimit
from app.pages import routers as page_routers
from app.pages.dependencies import STATIC, SignInNeededError
from app.pages.errors import error_page
from app.pages.static_files import HashedStaticFiles
from app.request_log import RequestLog
from app.security import HostCheck, SecurityHeaders
from app.services import Services
from core.errors import AppError

VERSION = "0.1.0"

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def _nothing_to_run(_: FastAPI) -> AsyncIterator[None]:
    yield


def create_app(services: Services, lifespan: Lifespan = _nothing_to_run) -> FastAPI:
    """Return the whole application; `lifespan` starts and stops what runs beside the requests."""
    app = FastAPI(
        title="Earshot",
        version=VERSION,
        summary="What customers said, and whom we may ask next.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    app.state.services = services
    app.include_router(system.health)
    for router in (system.router, interviews_api.router, participants.router, uploads_api.router, search_api.router):
        app.include_router(router)
    app.include_router(answers_api.router)
    app.include_router(saved_searches_api.router)
    app.include_router(search_quality_api.router)
    app.include_router(consent.router)
    app.include_router(audit.router)
    app.include_router(users_api.router)
    for router in contacts_api.routers:
        app.include_router(router)
    for router in page_routers:
        app.include_router(router, include_in_schema=False)
    app.include_router(docs.router)
    app.mount("/api/docs/assets", docs.docs_assets(), name="api-docs")
    app.mount("/static", HashedStaticFiles(directory=STATIC), name="static")
    app.add_middleware(RequestLog)
    app.add_middleware(HostCheck, base_url=services.settings.base_url)
    app.add_middleware(BodyLimit, max_upload_bytes=services.settings.max_upload_bytes)
    app.add_middleware(SecurityHeaders, base_url=services.settings.base_url)
    _add_error_answers(app)
    describe_errors(app)
    return app


def _wants_page(request: Request) -> bool:
    path = request.url.path
    return not (path.startswith("/api/") or path == "/healthz")


def _add_error_answers(app: FastAPI) -> None:
    @app.exception_handler(AppError)
    async def _app_error(request: Request, error: AppError) -> Response:
        if not _wants_page(request):
            return problems.from_app_error(error)
        answer = error_page(request, error.status, error.message)
        if "retry_after" in error.extra:
            answer.headers["Retry-After"] = str(error.extra["retry_after"])
        return answer

    @app.exception_handler(RequestValidationError)
    async def _validation_error(request: Request, error: RequestValidationError) -> Response:
        if _wants_page(request):
            return error_page(request, 422, "Something in this address or form is not as expected.")
        return problems.from_validation_error(error)

    @app.exception_handler(HTTPException)
    async def _http_exception(request: Request, error: HTTPException) -> Response:
        if _wants_page(request):
            return error_page(request, error.status_code, str(error.detail))
        return problems.from_http_exception(error)

    @app.exception_handler(SignInNeededError)
    async def _sign_in(_: Request, error: SignInNeededError) -> Response:
        return RedirectResponse(error.location, status_code=303)

    @app.exception_handler(Exception)
    async def _bug(request: Request, error: Exception) -> Response:
        answer = problems.from_bug(request, error)
        if _wants_page(request):
            return error_page(request, 500, "Something broke on our side; the log says what.")
        return answer
