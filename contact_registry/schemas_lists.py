"""What programs are told of long lists: that one was taken, how far it is, and where its answer is."""

from typing import Literal

from pydantic import BaseModel

from contact_registry.instants import Instant

JOBS_PATH = "/api/v1/jobs"

Kind = Literal["batch_check", "csv_check", "import", "csv_import", "simulation"]


class JobTaken(BaseModel):
    """202: the list is longer than is answered at once, and is worked on."""

    job: str
    status_url: str


class JobErrorOut(BaseModel):
    code: str
    message: str


class JobOut(BaseModel):
    """A long list. `rows` are its rows or people, of which `rows_done` are answered; kept until `expires_at`."""

    id: str
    kind: Kind
    status: Literal["queued", "running", "done", "failed"]
    progress: float
    rows: int
    rows_done: int
    created_at: Instant
    started_at: Instant | None
    finished_at: Instant | None
    expires_at: Instant
    file_name: str | None = None
    dry_run: bool | None = None
    import_id: str | None = None
    error: JobErrorOut | None = None
    status_url: str
    result_url: str | None = None
    result_csv_url: str | None = None


def status_url(job_id: str) -> str:
    return f"{JOBS_PATH}/{job_id}"
