"""The whole application behind a real socket of this machine, with a clock set by hand and a key to call it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import uvicorn

from app.access.keys import NewKey
from app.main import create_app
from app.wiring import build_services
from bench.contact_worlds import World
from core.clock import SettableClock
from core.settings import Settings

START = datetime(2026, 1, 1, tzinfo=UTC)


@contextmanager
def serve_application(folder: Path) -> Iterator[tuple[World, httpx.Client]]:
    """Yield the world behind the server and a client that carries an administrator's key."""
    clock = SettableClock(START)
    services = build_services(Settings(data_dir=folder), clock)
    _, secret = services.access.keys.create(NewKey("bench"), actor="bench")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        config = uvicorn.Config(create_app(services), log_level="error", lifespan="off", access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        try:
            with httpx.Client(
                base_url=f"http://127.0.0.1:{port}",
                headers={"Authorization": f"Bearer {secret}"},
                timeout=60,
                trust_env=False,
            ) as client:
                yield World(services.database, clock, services.settings), client
        finally:
            server.should_exit = True
            thread.join(timeout=10)
            services.database.close()
