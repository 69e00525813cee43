"""Lists too long to be answered at once: taken, told how far they are, answered when they are done, forgotten.

A job is a row; `ListWorker` works on it. What was sent and the answers hold addresses, so they live a week, and go at
once when somebody in the list is erased.
"""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from contact_registry import schemas
from contact_registry.actor import Actor
from contact_registry.addresses import email_key, without_tag
from contact_registry.csv_service import OUTCOME_COLUMNS, email_index, import_rows
from contact_registry.csv_tables import read_table, write_table
from contact_registry.file_checks import RESULT_COLUMNS
from contact_registry.imports_service import LINES_KEPT, RUNNING
from contact_registry.repeats import RequestKey
from contact_registry.repository import imports, jobs
from contact_registry.rules_service import RulesService
from contact_registry.schemas_imports import MAX_JOB_ROWS, HistoryFile, ImportIn
from contact_registry.schemas_lists import JobErrorOut, JobOut, Kind, status_url
from contact_registry.schemas_rules import SimulateIn
from contact_registry.tables_of_lists import RegistryJob, RegistryJobInput
from contact_registry.tables_of_record import HistoryImport
from contact_registry.workplace import Workplace
from core.audit import record_event
from core.errors import AppError, Conflict, Gone, InvalidInput, NotFound, TooLarge
from core.ids import new_id

KEPT_FOR = timedelta(days=7)
MOST_OPEN = 10
_ROWS_CALLED = {"batch_check": "items"}
_FOR_WORK = {"after"}  # what a simulation's parts note for the next one


class LongListService:
    def __init__(self, workplace: Workplace, rules: RulesService) -> None:
        self._at = workplace
        self._rules = rules

    def check_items(self, asked: schemas.BatchCheckIn, actor: Actor) -> JobOut:
        """Take a batch check. Raises TooLarge `too_many_items`, Conflict `too_many_jobs`."""
        if len(asked.items) > MAX_JOB_ROWS:
            raise TooLarge(
                "too_many_items",
                f"The list has {len(asked.items)} items, at most {MAX_JOB_ROWS} are taken: send it in parts.",
                max_items=MAX_JOB_ROWS,
            )
        told = {"mode": asked.mode, "defaults": asked.defaults.model_dump(mode="json", exclude_none=True)}
        content = json.dumps(asked.items).encode()
        people = (str(item.get("email") or "") for item in asked.items)
        return self._take("batch_check", told, content, len(asked.items), people, actor)

    def check_file(
        self,
        content: bytes,
        defaults: schemas.BatchDefaults,
        actor: Actor,
        *,
        email_column: str | None = None,
        encoding: str | None = None,
        mode: str = "sequential",
        file_name: str | None = None,
    ) -> JobOut:
        """Take the check of a file. Raises InvalidInput for what is no list, TooLarge, Conflict `too_many_jobs`."""
        table = read_table(content, encoding, most=MAX_JOB_ROWS)
        column = email_index(table, email_column)
        told: dict[str, Any] = {
            "mode": mode,
            "defaults": defaults.model_dump(mode="json", exclude_none=True, exclude={"ttl"}),
        }
        told |= {"email_column": email_column, "encoding": encoding, "file_name": file_name}
        people = (row[column] for row in table.rows)
        return self._take("csv_check", told, content, len(table.rows), people, actor)

    def import_rows(self, sent: ImportIn, actor: Actor, request: RequestKey | None = None) -> JobOut:
        """Take an import of rows, or its dry run."""
        told = sent.model_dump(mode="json", exclude={"rows"})
        content = json.dumps(sent.rows, default=str).encode()
        people = (str(row.get("email") or "") for row in sent.rows)
        return self._take("import", told, content, len(sent.rows), people, actor, request)

    def import_file(
        self,
        content: bytes,
        actor: Actor,
        how: HistoryFile,
        request: RequestKey | None = None,
    ) -> JobOut:
        """Take the import of a file, or its dry run; as `CsvService.import_file`."""
        table = read_table(content, how.encoding, most=MAX_JOB_ROWS)
        import_rows(table, how, self._at.settings.timezone)  # raises what cannot be
        column = table.recognised(how.columns)["email"]
        people = (row[column] for row in table.rows)
        return self._take("csv_import", how.model_dump(mode="json"), content, len(table.rows), people, actor, request)

    def import_tried(self, job_id: str, actor: Actor, owner: str | None) -> JobOut:
        """Take the import whose dry run this job was; a second time it is the same job.

        Raises NotFound, Conflict `not_a_dry_run`, Gone.
        """
        with self._at.database.read() as session:
            tried = self._require(session, job_id, owner)
            content = jobs.input_of(session, job_id)
        if not tried.asked.get("dry_run") or tried.status != "done":
            raise Conflict("not_a_dry_run", "Only a dry run that is done can be imported.")
        if content is None:
            raise _forgotten()
        rows = (row["email"] for row in _rows_sent(tried, content))
        told = tried.asked | {"dry_run": False}
        request = RequestKey(actor.id, f"import of {job_id}", "POST", status_url(job_id), None)
        kind: Kind = "csv_import" if tried.kind == "csv_import" else "import"
        return self._take(kind, told, content, tried.total, rows, actor, request)

    def simulate(self, asked: SimulateIn, actor: Actor) -> JobOut:
        """Take a comparison of the rules proposed now. Raises as `RulesService.simulate`."""
        whole = self._rules.with_draft(asked)
        content = whole.model_dump_json().encode()
        return self._take("simulation", {}, content, self._rules.count_asked(whole), (), actor)

    # --- what became of it

    def get(self, job_id: str, owner: str | None) -> JobOut:
        """Return how far the job is; `owner` None: whosever it is. Raises NotFound `job_not_found`."""
        with self._at.database.read() as session:
            return _out(self._require(session, job_id, owner))

    def recent(self, owner: str, limit: int = 20) -> list[JobOut]:
        """Return somebody's jobs, newest first."""
        with self._at.database.read() as session:
            return [_out(job) for job in jobs.jobs_of(session, owner, limit)]

    def summary(self, job_id: str, owner: str | None) -> dict[str, Any]:
        """Return the answer of a job that is done, without its rows. Raises as `result`."""
        job = self._require_done(job_id, owner)
        with self._at.database.read() as session:
            rest: dict[str, Any] = {}
            for part in jobs.parts_of(session, job_id):
                rest = _added(rest, part.rest)
        return _whole(job, rest)

    def result(self, job_id: str, owner: str | None) -> Iterator[str]:
        """Yield the answer as JSON, in the shape of the answer to a short list.

        Raises NotFound, Conflict `job_not_done`, `job_failed`, Gone `result_forgotten`.
        """
        whole, job = self.summary(job_id, owner), self._require_done(job_id, owner)
        return self._json(job, whole)

    def result_csv(self, job_id: str, owner: str | None) -> Iterator[str]:
        """Yield the file that was sent with the answers behind its columns.

        Raises as `result`; InvalidInput `no_csv` for what was not sent as CSV.
        """
        job = self._require_done(job_id, owner)
        if job.kind not in ("csv_check", "csv_import"):
            raise InvalidInput("no_csv", "The list was not sent as CSV: its answer is JSON.", field="format")
        return self._csv(job)

    def _json(self, job: RegistryJob, whole: dict[str, Any]) -> Iterator[str]:
        head = json.dumps(whole)
        if job.kind == "simulation":
            yield head
            return
        yield f'{head[:-1]}, "{_ROWS_CALLED.get(job.kind, "rows")}": ['
        between = ""
        for part in self._parts(job.id):
            if part.rows:
                yield between + part.rows
                between = ","
        yield "]}"

    def _csv(self, job: RegistryJob) -> Iterator[str]:
        columns = RESULT_COLUMNS if job.kind == "csv_check" else OUTCOME_COLUMNS
        yield write_table([*job.head["columns"], *columns], []).decode()
        for part in self._parts(job.id):
            yield part.lines

    def _parts(self, job_id: str) -> Iterator[Any]:
        with self._at.database.read() as session:
            yield from jobs.parts_of(session, job_id)

    # --- forgetting

    def forget(self, job_id: str) -> None:
        """Delete the job with its list and its answers, done or not; what an import has brought in by now stays."""

        def work(session: Session) -> None:
            job = jobs.find_job(session, job_id)
            if job is not None and job.status in jobs.OPEN:
                end_failed(session, job, "broken_off", "Whoever had sent the list broke it off.")
                session.flush()
            jobs.delete_jobs(session, [job_id])

        self._at.write(work)

    def forget_old(self) -> int:
        """Delete jobs a week after they were sent, and the lines of imported files; return how many jobs went."""
        now = self._at.clock.now()
        with self._at.database.read() as session:
            old = [job.id for job in jobs.jobs_before(session, now - KEPT_FOR)]
            has_lines = imports.has_lines_before(session, now - LINES_KEPT)
        if old or has_lines:
            with self._at.database.write() as session:
                jobs.delete_jobs(session, old)
                imports.forget_lines_before(session, now - LINES_KEPT)
        return len(old)

    def _require(self, session: Session, job_id: str, owner: str | None) -> RegistryJob:
        job = jobs.find_job(session, job_id)
        if job is None or owner not in (None, job.owner):
            raise NotFound("job_not_found", f"There is no job {job_id[:40]!r}: they are kept for a week.")
        return job

    def _require_done(self, job_id: str, owner: str | None) -> RegistryJob:
        with self._at.database.read() as session:
            job = self._require(session, job_id, owner)
            if job.status in jobs.OPEN:
                raise Conflict("job_not_done", "The list is still being worked on: ask again later.", job_id=job_id)
            if job.error_code == FORGOTTEN:
                raise _forgotten()
            if job.status == "failed":
                raise Conflict("job_failed", f"The list was not answered. {job.error_message}", job_id=job_id)
            return job

    def _take(
        self,
        kind: Kind,
        told: dict[str, Any],
        content: bytes,
        total: int,
        addresses: Iterable[str],
        actor: Actor,
        request: RequestKey | None = None,
    ) -> JobOut:
        people = {key for key in map(_bare_key, addresses) if key is not None}

        def work(session: Session) -> JobOut:
            stored = self._at.repeats.find(session, request)
            if stored is not None:
                return _out(self._require(session, stored.subject_id or "", None))
            if jobs.count_open(session, actor.id) >= MOST_OPEN:
                raise Conflict("too_many_jobs", f"{MOST_OPEN} of your lists are worked on: wait for one to end.")
            now = self._at.locks.now(session, self._at.clock)
            job = RegistryJob(
                id=new_id("job"),
                kind=kind,
                owner=actor.id,
                asker=dataclasses.asdict(actor),
                asked=told,
                status="queued",
                total=total,
                created_at=now,
            )
            session.add(job)
            session.flush()
            session.add(RegistryJobInput(job_id=job.id, content=content))
            session.flush()
            jobs.add_people(session, job.id, people)
            record_event(
                session,
                at=now,
                actor=actor.id,
                action="list.taken",
                subject_type="job",
                subject_id=job.id,
                detail={"kind": kind, "rows": total},
            )
            answer = _out(job)
            self._at.repeats.keep(session, request, status=202, body={"job": job.id}, at=now, subject_id=job.id)
            return answer

        return self._at.write(work)


FORGOTTEN = "person_erased"


def forget_lists_with(session: Session, match_keys: Iterable[str]) -> None:
    """Drop what was sent and answered in the lists with one of these addresses; unfinished ones end."""
    for job_id in (found := jobs.jobs_with(session, {without_tag(key) for key in match_keys})):
        job = jobs.find_job(session, job_id)
        if job is not None:
            end_failed(session, job, FORGOTTEN, _forgotten().message)
    jobs.forget_content(session, found)


def end_failed(session: Session, job: RegistryJob, code: str, message: str) -> None:
    """End the job without an answer. What an import has brought in by now stays, and can be undone."""
    job.status, job.error_code, job.error_message = "failed", code, message
    job.worker = job.held_until = None
    begun = None if job.import_id is None else session.get(HistoryImport, job.import_id)
    if begun is not None and begun.status == RUNNING:
        begun.status = "imported"


def _forgotten() -> Gone:
    return Gone("result_forgotten", "Somebody in the list was erased since, so nothing of it is kept: send it again.")


def _rows_sent(job: RegistryJob, content: bytes) -> list[dict[str, Any]]:
    if job.kind == "import":
        rows: list[dict[str, Any]] = json.loads(content)
        return [{"email": str(row.get("email") or "")} for row in rows]
    table = read_table(content, job.asked["encoding"], most=MAX_JOB_ROWS)
    column = table.recognised(job.asked["columns"])["email"]
    return [{"email": row[column]} for row in table.rows]


def _bare_key(address: str) -> str | None:
    try:
        return without_tag(email_key(address))
    except AppError:
        return None


def _added(one: Any, other: Any) -> Any:
    """Return two parts' rests as one: numbers and lists added up, mappings entry by entry."""
    if isinstance(one, dict):
        return {
            key: _added(one[key], other[key]) if key in one and key in other else one.get(key, other.get(key))
            for key in {**one, **other}
        }
    return one + other


def _whole(job: RegistryJob, rest: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in rest.items() if key not in _FOR_WORK}
    if "counts" in rest:
        rest["counts"] = dict(sorted(rest["counts"].items()))
    if "new_conflicts" in rest:
        rest["new_conflicts"] = list(dict.fromkeys(rest["new_conflicts"]))
    if job.kind == "simulation":
        return rest | {"new_planned_conflicts": [booking for _, booking in sorted(rest.pop("conflicts"))]}
    if job.kind in ("import", "csv_import"):
        head = {key: value for key, value in job.head.items() if key != "columns"}
        return {"id": job.import_id, **head, **rest}
    return job.head | rest


def _out(job: RegistryJob) -> JobOut:
    is_done = job.status == "done"
    own = status_url(job.id)
    error = None
    if job.error_code is not None:
        error = JobErrorOut(code=job.error_code, message=job.error_message or "")
    return JobOut.model_validate(
        {
            "id": job.id,
            "kind": job.kind,
            "status": job.status,
            "progress": 1.0 if is_done else round(job.done / max(1, job.total), 4),
            "rows": job.total,
            "rows_done": job.done,
            "created_at": job.created_at,
            "started_at": job.started_at,
            "finished_at": job.finished_at,
            "expires_at": job.created_at + KEPT_FOR,
            "file_name": job.asked.get("file_name"),
            "dry_run": job.asked.get("dry_run"),
            "import_id": job.import_id,
            "error": error,
            "status_url": own,
            "result_url": f"{own}/result" if is_done else None,
            "result_csv_url": f"{own}/result?format=csv" if is_done and job.kind.startswith("csv_") else None,
        }
    )
