"""Chooses the real parts and puts them together; the only module that imports adapters.

No model is loaded here: adapters load theirs at the first use, so the server is ready at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from app.access.service import AccessService
from app.access.single_sign_on import CALLBACK
from app.answers import AnswerService
from app.audit import AuditService
from app.erasure import PersonErasure
from app.participation import ParticipationService
from app.samples import PRACTICE_MODEL, SOURCE
from app.services import Services
from app.withdrawal import WithdrawalService
from contact_registry.service import RegistryService
from core.blobs import FolderBlobStore
from core.clock import Clock, SystemClock
from core.database import Database
from core.migrate import migrate
from core.settings import Settings
from ingest.dbos_jobs import DbosJobs, DbosRuntime
from ingest.ports import Transcriber
from ingest.resemblyzer_diarizer import ResemblyzerDiarizer
from ingest.service import IngestService
from ingest.silero_speech_detector import SileroSpeechDetector
from ingest.uploads import UploadService
from ingest.whisper_model import ModelLocation, resolve_model
from ingest.whisper_transcriber import WhisperTranscriber
from ingest.work import PipelineParts
from search.faiss_index import FaissIndexes
from search.index_keeper import IndexKeeper
from search.sentence_embedder import SentenceEmbedders
from search.service import SearchService
from search.sqlite_full_text import SqliteFullText

if TYPE_CHECKING:  # loaded only where it is configured
    from app.access.openid_provider import OpenIdProvider
    from app.chat_completions_writer import ChatCompletionsWriter


def build_services(settings: Settings, clock: Clock | None = None) -> Services:
    """Return the services over the workspace of `settings`, whose folder and schema exist afterwards."""
    clock = clock or SystemClock()
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(settings.db_url)
    migrate(database)
    blobs = FolderBlobStore(settings.recordings_dir)
    jobs = DbosJobs()
    registry = RegistryService(database, clock, settings)
    participation = ParticipationService(database, clock, registry)
    ingest = IngestService(database, clock, blobs, jobs, settings, participation)
    embedders = SentenceEmbedders(settings.models_dir)
    memory_bytes = settings.index_memory_mb * 1_000_000
    keeper = IndexKeeper(FaissIndexes(), settings.index_dir, memory_bytes=memory_bytes)
    search = SearchService(database, embedders, settings.embedding_model, keeper, SqliteFullText(), clock)
    uploads = UploadService(settings, ingest)
    withdrawal = WithdrawalService(database, clock, blobs, search, uploads)
    return Services(
        settings=settings,
        clock=clock,
        database=database,
        blobs=blobs,
        jobs=jobs,
        access=AccessService(database, clock, provider=provider_of(settings)),
        ingest=ingest,
        uploads=uploads,
        search=search,
        answers=AnswerService(search, participation, registry, writer_of(settings)),
        registry=registry,
        participation=participation,
        audit=AuditService(database, clock),
        withdrawal=withdrawal,
        erasure=PersonErasure(database, clock, registry, search, jobs, withdrawal),
    )


def provider_of(settings: Settings) -> "OpenIdProvider | None":
    """Return whom single sign-on asks; None where it is not configured."""
    if not settings.oidc_issuer:
        return None
    from app.access.openid_provider import OpenIdProvider

    redirect_uri = settings.base_url.rstrip("/") + CALLBACK
    secret = settings.oidc_client_secret
    return OpenIdProvider(
        settings.oidc_issuer, settings.oidc_client_id, secret, redirect_uri, settings.oidc_groups_claim
    )


def writer_of(settings: Settings) -> "ChatCompletionsWriter | None":
    """Return what phrases answers; None where no endpoint is configured: then nothing is sent anywhere."""
    if not settings.answer_url:
        return None
    from app.chat_completions_writer import ChatCompletionsWriter

    return ChatCompletionsWriter(settings.answer_url, settings.answer_model, settings.answer_key)


def build_runtime(services: Services) -> DbosRuntime:
    """Return what processes interviews in this process, not yet started."""
    settings = services.settings
    assert isinstance(services.jobs, DbosJobs)
    return DbosRuntime(settings, services.jobs, partial(build_parts, services), partial(_is_model_here, settings))


def build_parts(services: Services) -> PipelineParts:
    """Return what the pipeline needs; the samples have a transcriber of their own, the practice model."""
    settings = services.settings
    heard = WhisperTranscriber(settings.whisper_model, settings.models_dir, settings.whisper_device)
    practice = WhisperTranscriber(str(PRACTICE_MODEL), settings.models_dir, "cpu", allow_practice=True)

    def transcriber_for(source: str) -> Transcriber:
        return practice if source == SOURCE else heard

    return PipelineParts(
        database=services.database,
        clock=services.clock,
        blobs=services.blobs,
        detector=SileroSpeechDetector(),
        transcriber_for=transcriber_for,
        diarizer=ResemblyzerDiarizer(),
        passages=services.search,
        vocabulary=tuple(word.strip() for word in settings.vocabulary.split(",") if word.strip()),
        participation=services.participation,
    )


@contextmanager
def working_runtime(services: Services) -> Iterator[None]:
    """Process interviews while the block runs, unless a server or a worker of this workspace does already."""
    runtime = build_runtime(services)
    runtime.start()
    try:
        yield
    finally:
        runtime.stop()
        services.search.close()


def _is_model_here(settings: Settings) -> bool:
    return isinstance(resolve_model(settings.whisper_model, settings.models_dir), ModelLocation)
