"""Long lists: what was sent, how far each is, and the answers so far."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from sqlalchemy import delete, func, insert, update
from sqlmodel import Session, col, select

from contact_registry.tables_of_lists import RegistryJob, RegistryJobInput, RegistryJobPart, RegistryJobPerson

OPEN = ("queued", "running")


def find_job(session: Session, job_id: str) -> RegistryJob | None:
    """Return the job as the database has it now."""
    return session.get(RegistryJob, job_id, populate_existing=True)


def jobs_of(session: Session, owner: str, limit: int) -> list[RegistryJob]:
    """Return somebody's jobs, newest first."""
    query = select(RegistryJob).where(col(RegistryJob.owner) == owner)
    return list(
        session.exec(query.order_by(col(RegistryJob.created_at).desc(), col(RegistryJob.id).desc()).limit(limit))
    )


def count_open(session: Session, owner: str) -> int:
    """Return how many of somebody's jobs are not ended."""
    query = select(func.count()).select_from(RegistryJob)
    return session.exec(query.where(col(RegistryJob.owner) == owner, col(RegistryJob.status).in_(OPEN))).one()


def open_jobs(session: Session) -> list[RegistryJob]:
    """Return the jobs that are not ended, oldest first."""
    query = select(RegistryJob).where(col(RegistryJob.status).in_(OPEN))
    return list(session.exec(query.order_by(col(RegistryJob.created_at), col(RegistryJob.id))))


def add_people(session: Session, job_id: str, match_keys: Iterable[str]) -> None:
    """Note whose addresses stand in the job's list."""
    rows = [{"job_id": job_id, "match_key": key} for key in sorted(set(match_keys))]
    if rows:
        session.connection().execute(insert(RegistryJobPerson), rows)


def input_of(session: Session, job_id: str) -> bytes | None:
    """Return what was sent; None when it is gone."""
    return session.exec(select(RegistryJobInput.content).where(col(RegistryJobInput.job_id) == job_id)).first()


def parts_of(session: Session, job_id: str) -> Iterator[RegistryJobPart]:
    """Yield the answers so far, in the order of the list, one part in memory at a time."""
    query = select(RegistryJobPart).where(col(RegistryJobPart.job_id) == job_id).order_by(col(RegistryJobPart.start))
    for part in session.exec(query.execution_options(yield_per=1)):
        yield part
        session.expunge(part)


def take(session: Session, job: RegistryJob, worker: str, until: datetime, now: datetime) -> bool:
    """Give the job, as it was read, to the worker; False when somebody else was faster."""
    result = session.connection().execute(
        update(RegistryJob)
        .where(
            col(RegistryJob.id) == job.id,
            col(RegistryJob.status).in_(OPEN),
            col(RegistryJob.worker) == job.worker if job.worker is not None else col(RegistryJob.worker).is_(None),
            col(RegistryJob.attempts) == job.attempts,
        )
        .values(
            worker=worker,
            held_until=until,
            status="running",
            attempts=job.attempts + 1,
            started_at=job.started_at or now,
        )
    )
    return bool(result.rowcount)


def move_on(session: Session, job_id: str, worker: str, start: int, done: int, until: datetime) -> bool:
    """Note that the rows from `start` to `done` are answered; False when the job is gone or somebody else's."""
    result = session.connection().execute(
        update(RegistryJob)
        .where(
            col(RegistryJob.id) == job_id,
            col(RegistryJob.status) == "running",
            col(RegistryJob.worker) == worker,
            col(RegistryJob.done) == start,
        )
        .values(done=done, held_until=until, attempts=0)
    )
    return bool(result.rowcount)


def forget_answers(session: Session, job_id: str) -> None:
    """Delete the answers so far."""
    session.connection().execute(delete(RegistryJobPart).where(col(RegistryJobPart.job_id) == job_id))


def forget_content(session: Session, job_ids: Iterable[str]) -> None:
    """Delete what was sent in these jobs, and the answers."""
    ids = sorted(job_ids)
    connection = session.connection()
    connection.execute(delete(RegistryJobPart).where(col(RegistryJobPart.job_id).in_(ids)))
    connection.execute(delete(RegistryJobInput).where(col(RegistryJobInput.job_id).in_(ids)))
    connection.execute(delete(RegistryJobPerson).where(col(RegistryJobPerson.job_id).in_(ids)))


def jobs_with(session: Session, match_keys: Iterable[str]) -> list[str]:
    """Return the ids of jobs in whose lists one of these addresses stands, as match keys without a +tag."""
    query = select(RegistryJobPerson.job_id).where(col(RegistryJobPerson.match_key).in_(sorted(match_keys)))
    return sorted(set(session.exec(query)))


def jobs_before(session: Session, before: datetime) -> list[RegistryJob]:
    """Return the jobs that were sent before this and have ended, or have been left."""
    query = select(RegistryJob).where(col(RegistryJob.created_at) < before)
    return list(session.exec(query))


def delete_jobs(session: Session, job_ids: Iterable[str]) -> None:
    """Delete these jobs with everything of theirs."""
    ids = sorted(job_ids)
    forget_content(session, ids)
    session.connection().execute(delete(RegistryJob).where(col(RegistryJob.id).in_(ids)))
