"""The registry at company size, through HTTP: what a check, a list and a file cost beside naive ways in the same run.

    python -m bench.contact_scale [CONTACTS…]        default: 10000 100000, ten touchpoints each

Per size: p95 of a check over p95 of `GET /healthz` asked in turn with it; 1,000 single checks over one batch check
of the same people, asked in turn (median of ten); 10,000 single checks (the mean of the run) over the preview of a CSV
of 10,000 rows. The last line is one JSON object.
"""

import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert

from bench.server import running_server
from contact_registry.registrar import email_row
from contact_registry.tables import Account, Contact, ContactAddress, Touchpoint
from core.database import Database

SEED = 20260501
TOUCHPOINTS_EACH = 10
YEARS = timedelta(days=3 * 365)
PEOPLE_PER_ACCOUNT = 10
SINGLE_CHECKS = 600
BATCH = 1000
BATCHES = 10
CSV_ROWS = 10_000
_CHUNK = 5000

Row = dict[str, Any]


def main() -> int:
    sizes = [int(argument) for argument in sys.argv[1:]] or [10_000, 100_000]
    results = {str(size): measure(size) for size in sizes}
    print(json.dumps({"contacts": results}))
    return 0


def measure(contacts: int) -> dict[str, float]:
    """Return the figures of one size, from an empty workspace."""
    with running_server(EARSHOT_WORKERS="0") as server:
        fill(server.data_dir / "earshot.db", contacts)
        server.api.put("/api/v1/teams/research", json={"name": "Research"}).raise_for_status()
        # a new workspace converts its embedding model beside the first requests: wait until that is done
        server.api.get("/api/v1/search", params={"q": "anything"}).raise_for_status()
        draw = random.Random(SEED)
        people = [f"person{draw.randrange(contacts)}@corp.example" for _ in range(CSV_ROWS)]
        figures = time_checks(server.api, people)
        figures |= time_lists(server.api, people, figures["check_mean_ms"])
    print(f"{contacts} contacts: {json.dumps(figures)}", file=sys.stderr)
    return figures


def question(**fields: str) -> Row:
    at = (datetime.now(UTC) + timedelta(days=7)).isoformat(timespec="seconds")
    return {"at": at, "team": "research", "channel": "email", "purpose": "survey"} | fields


def time_checks(api: httpx.Client, people: list[str]) -> dict[str, float]:
    """Ask `/healthz` and a check in turn, so that both meet the same machine."""
    health: list[float] = []
    checks: list[float] = []
    for number, email in enumerate(people[: SINGLE_CHECKS + 50]):
        _timed(health, lambda: api.get("/healthz"))
        _timed(checks, partial(api.post, "/api/v1/eligibility/check", json=question(email=email)))
        if number == 49:  # the first ones warm caches up
            health.clear()
            checks.clear()
    return {
        "healthz_p95_ms": _p95(health),
        "check_p95_ms": _p95(checks),
        "check_mean_ms": round(statistics.fmean(checks) * 1000, 3),
        "check_over_healthz_p95": round(_p95(checks) / _p95(health), 2),
        "check_over_healthz_median": round(statistics.median(checks) / statistics.median(health), 2),
    }


def time_lists(api: httpx.Client, people: list[str], check_mean_ms: float) -> dict[str, float]:
    """Time 1,000 single checks, after each hundred the batch of all the same people, and the preview of a file."""
    some = people[:BATCH]
    singles: list[float] = []
    batches: list[float] = []
    body = {"defaults": question(), "items": [{"email": email} for email in some]}
    for number, email in enumerate(some):
        if number % (BATCH // BATCHES) == 0:
            _timed(batches, lambda: api.post("/api/v1/eligibility/batch-check", json=body))
        _timed(singles, partial(api.post, "/api/v1/eligibility/check", json=question(email=email)))
    content = ("name,email\n" + "".join(f"Somebody,{email}\n" for email in people)).encode()
    previews: list[float] = []
    for _ in range(3):
        _timed(
            previews,
            lambda: api.post(
                "/api/v1/eligibility/csv-check",
                content=content,
                params=question(),
                headers={"Content-Type": "text/csv"},
            ),
        )
    batch_ms, preview_ms = statistics.median(batches) * 1000, statistics.median(previews) * 1000
    mean_ms = min(check_mean_ms, statistics.fmean(singles) * 1000)
    return {
        "batch_of_1000_ms": round(batch_ms, 1),
        "singles_over_batch": round(sum(singles) * 1000 / batch_ms, 1),
        "csv_of_10000_ms": round(preview_ms, 1),
        "singles_over_csv": round(CSV_ROWS * mean_ms / preview_ms, 1),
    }


def _timed(into: list[float], call: Callable[[], httpx.Response]) -> None:
    started = time.perf_counter()
    response = call()
    into.append(time.perf_counter() - started)
    response.raise_for_status()


def _p95(durations: list[float]) -> float:
    """The 95th percentile, in milliseconds."""
    return round(statistics.quantiles(durations, n=20)[-1] * 1000, 3)


def fill(path: Path, contacts: int) -> None:
    """Write people, companies and their history straight into the tables."""
    database = Database(f"sqlite:///{path}")
    now = datetime.now(UTC).replace(microsecond=0)
    draw = random.Random(SEED)
    accounts = max(1, contacts // PEOPLE_PER_ACCOUNT)
    try:
        for table, rows in (
            (Account, _accounts(accounts, now)),
            (Contact, _contacts(contacts, accounts, now)),
            (ContactAddress, _addresses(contacts, now)),
            (Touchpoint, _touchpoints(contacts, accounts, now, draw)),
        ):
            for chunk in _chunks(rows):
                with database.write() as session:
                    session.connection().execute(insert(table), chunk)
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA optimize")
    finally:
        database.close()


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _accounts(count: int, now: datetime) -> Iterator[Row]:
    for number in range(count):
        yield {"id": f"acc{number}", "name": f"Company {number}", "created_at": now, "updated_at": now}


def _contacts(count: int, accounts: int, now: datetime) -> Iterator[Row]:
    for number in range(count):
        yield {
            "id": f"con{number}",
            "account_id": f"acc{number % accounts}",
            "merge_filled": [],
            "created_at": now,
            "updated_at": now,
        }


def _addresses(count: int, now: datetime) -> Iterator[Row]:
    for number in range(count):
        yield email_row(f"con{number}", f"person{number}@corp.example", now).model_dump()


def _touchpoints(contacts: int, accounts: int, now: datetime, draw: random.Random) -> Iterator[Row]:
    for number in range(contacts * TOUCHPOINTS_EACH):
        contact = number % contacts
        yield {
            "id": f"tp{number}",
            "contact_id": f"con{contact}",
            "account_id": f"acc{contact % accounts}",
            "at": now - timedelta(seconds=draw.randrange(int(YEARS.total_seconds()))),
            "team": draw.choice(("sales", "support", "cx")),
            "channel": "phone",
            "purpose": "call",
            "direction": "outbound",
            "status": "completed",
            "source": "bench",
            "violations": [],
            "created_by": "bench",
            "created_at": now,
            "updated_at": now,
            "revision": 1,
        }


if __name__ == "__main__":
    sys.exit(main())
