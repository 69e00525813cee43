"""`earshot serve`, `earshot worker` and `earshot sign-in`."""

import asyncio
import errno
import gc
import logging
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer
from fastapi import FastAPI

from app.cli.opening import fail, open_services
from app.long_lists import LongLists
from app.periodic import Background, Periodic
from app.services import Services
from core.errors import AppError
from search.values import SearchRequest

RETENTION_EVERY_S = 3600.0  # a recording whose last day has ended is gone an hour later at the latest
# Where nobody searches, what another process withdrew is in no kept answer a minute later: one look at the database.
OUTDATED_EVERY_S = 60.0
# A thread that asks for Python's lock gets it after so long: of a search's twenty milliseconds five are much to wait.
LOCK_CHANGES_HANDS_S = 0.0005
GIVING_WAY = 10  # nice: a tenth of a core that somebody else wants as well, all of one that nobody wants

logger = logging.getLogger("earshot.serving")

Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for other machines, behind TLS.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")]
WithSamples = Annotated[bool, typer.Option(help="Load the sample workspace when there is no interview yet.")]


def serve(host: Host = "127.0.0.1", port: Port = 8000, with_samples: WithSamples = False) -> None:
    """Serve the pages and the API, and process recordings beside them."""
    import uvicorn

    from app.main import create_app

    sys.setswitchinterval(LOCK_CHANGES_HANDS_S)
    services = open_services()
    _log_to_stderr(services.settings.log_level)
    listener = _listen(host, port)
    if with_samples:
        from app.samples import load_if_empty

        load_if_empty(services)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        from app.wiring import build_runtime

        runtime = build_runtime(services) if services.settings.workers else None
        starting = asyncio.get_running_loop().run_in_executor(None, runtime.start) if runtime else None
        beside = work_beside(services)
        for one in beside:
            one.start()
        threading.Thread(target=_prepare, args=(services,), name="preparation", daemon=True).start()
        _announce(services, host, listener.getsockname()[1])
        yield
        if runtime and starting:
            await starting
            await asyncio.get_running_loop().run_in_executor(None, runtime.stop)
        for one in beside:
            await asyncio.get_running_loop().run_in_executor(None, one.stop)
        services.search.close()

    app = create_app(services, lifespan)
    # uvicorn's access log holds query strings, which hold names and addresses: RequestLog writes ours
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=10)
    uvicorn.Server(config).run(sockets=[listener])


def worker() -> None:
    """Process recordings in a process of its own, until it is stopped."""
    import signal

    from app.wiring import build_runtime

    give_way()
    services = open_services()
    _log_to_stderr(services.settings.log_level)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    runtime = build_runtime(services)
    runtime.start()
    long_lists = LongLists(services.registry.list_worker())
    long_lists.start()
    typer.echo("Processing recordings and long lists; stop with Ctrl+C.", err=True)
    ended.wait()
    long_lists.stop()
    runtime.stop()


def give_way() -> None:
    """Let this process work with what others leave of the processor: a search beside it does not wait for it."""
    if hasattr(os, "nice"):
        os.nice(GIVING_WAY)


def sign_in() -> None:
    """Print the path of a new one-time sign-in link for the local administrator."""
    services = open_services()
    base = services.settings.base_url or "http://127.0.0.1:8000"
    typer.echo(f"{base}/sign-in?token={services.access.sessions.create_link()}")


def work_beside(services: Services) -> list[Background]:
    """Return what a server does beside answering, not yet started."""
    beside: list[Background] = [
        Periodic("retention", services.ingest.retention.remove_due, RETENTION_EVERY_S),
        Periodic("forgotten lists", services.registry.lists.forget_old, RETENTION_EVERY_S),
        Periodic("outdated answers", services.search.forget_outdated, OUTDATED_EVERY_S),
    ]
    if services.settings.workers:
        beside.append(LongLists(services.registry.list_worker()))
    return beside


def _prepare(services: Services) -> None:
    _prepare_search(services)
    # What is in memory by now stays as long as the server: walking it in every full collection took 0.3 s of a request.
    gc.freeze()
    # A list of a thousand people makes 30,000 objects that stay until it is answered: looked at three times, not forty.
    gc.set_threshold(10_000)


def _prepare_search(services: Services) -> None:
    """Beside the first requests: embed with a model that was changed, and have it in memory for the first search."""
    try:
        services.search.reembed(lambda _: None)
        services.search.search(SearchRequest("warm"))
    except AppError as error:
        logger.warning("search by meaning is not ready: %s", error.message)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            fail(f"port {port} is taken by another program: choose another with --port.")
        fail(f"cannot listen on {host}:{port}: {error.strerror}.")
    return listener


def _announce(services: Services, host: str, port: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    base = services.settings.base_url or f"http://{shown}:{port}"
    sys.stderr.write(f"\nEarshot is at {base}\n")
    if not services.access.passwords.is_used():  # later it would be a way in for whoever reads the log of a service
        sys.stderr.write(f"Sign in once with {base}/sign-in?token={services.access.sessions.create_link()}\n")
    sys.stderr.write("(`earshot sign-in` prints a link; `earshot key create NAME` makes a key for other programs.)\n\n")
    sys.stderr.flush()


def _log_to_stderr(level: str) -> None:
    for name in ("earshot", "app", "core", "ingest", "search", "contact_registry"):
        logging.getLogger(name).setLevel(level.upper())
