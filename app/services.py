"""The services an app is made of; a test builds its own, `app/wiring.py` builds the real ones."""

from dataclasses import dataclass

from app.access.service import AccessService
from app.answers import AnswerService
from app.audit import AuditService
from app.erasure import PersonErasure
from app.participation import ParticipationService
from app.withdrawal import WithdrawalService
from contact_registry.service import RegistryService
from core.blobs import BlobStore
from core.clock import Clock
from core.database import Database
from core.settings import Settings
from ingest.ports import Jobs
from ingest.service import IngestService
from ingest.uploads import UploadService
from search.service import SearchService


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    clock: Clock
    database: Database
    blobs: BlobStore
    jobs: Jobs
    access: AccessService
    ingest: IngestService
    uploads: UploadService
    search: SearchService
    answers: AnswerService
    registry: RegistryService
    participation: ParticipationService
    audit: AuditService
    withdrawal: WithdrawalService
    erasure: PersonErasure
