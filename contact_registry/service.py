"""The registry as one object: `RegistryService` builds its parts and offers the commonest calls directly.

Pages, commands and routes take it from `Services.registry`. Every call is one transaction.
"""

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from contact_registry import answers, schemas
from contact_registry.accounts_service import AccountService
from contact_registry.actor import SYSTEM, Actor
from contact_registry.batches import BatchService
from contact_registry.changes import ChangeService
from contact_registry.claims import ClaimService
from contact_registry.confinement import check_own_team, shown_to
from contact_registry.conflicts_service import ConflictService
from contact_registry.csv_service import CsvService
from contact_registry.erasure import ErasureService
from contact_registry.facts import FactService
from contact_registry.imports_service import ImportService
from contact_registry.list_work import Parts
from contact_registry.list_worker import ListWorker
from contact_registry.long_lists import LongListService
from contact_registry.merging import MergeService
from contact_registry.people_service import PeopleService
from contact_registry.peppers import PepperFile
from contact_registry.questions import QuestionService
from contact_registry.raising import Raiser
from contact_registry.reading import Reader
from contact_registry.repeats import Repeats, RequestKey
from contact_registry.repository import touchpoints
from contact_registry.repository.locks import Locks
from contact_registry.rules_service import RulesService
from contact_registry.schemas_people import (
    AccountIn,
    AccountOut,
    AccountPage,
    ContactChange,
    ContactIn,
    ContactOut,
    ContactPage,
    ProfileOut,
)
from contact_registry.stops_service import StopService
from contact_registry.transfer import TransferService
from contact_registry.workplace import Workplace, go_on
from core.clock import Clock
from core.database import Database
from core.settings import Settings


class RegistryService:
    """Who may be contacted, and the claims that hold everybody to it."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        *,
        locks: Locks | None = None,
        before_insert: Callable[[], None] = go_on,
    ) -> None:
        locks = locks or Locks()
        peppers = PepperFile(settings.data_dir)
        self.workplace = Workplace(
            database=database,
            clock=clock,
            settings=settings,
            locks=locks,
            peppers=peppers,
            reader=Reader(peppers, lambda: settings.timezone),
            repeats=Repeats(locks, peppers),
            before_insert=before_insert,
        )
        raiser = Raiser(self.workplace)
        self.questions = QuestionService(self.workplace)
        self.claims = ClaimService(self.workplace, raiser)
        self.changes = ChangeService(self.workplace, raiser)
        self.facts = FactService(self.workplace, raiser)
        self.batches = BatchService(self.workplace, self.claims, self.questions)
        self.people = PeopleService(self.workplace)
        self.accounts = AccountService(self.workplace)
        self.stops = StopService(self.workplace, raiser)
        self.merging = MergeService(self.workplace, raiser)
        self.erasure = ErasureService(self.workplace)
        self.rules = RulesService(self.workplace, raiser)
        self.conflicts = ConflictService(self.workplace)
        self.imports = ImportService(self.workplace, self.facts)
        self.files = CsvService(self.workplace, self.questions, self.imports)
        self.lists = LongListService(self.workplace, self.rules)
        self.transfer = TransferService(self.workplace)

    def list_worker(self, only: str | None = None) -> ListWorker:
        """Return what answers long lists (`only` this job), for one thread; a process has one at a time."""
        return ListWorker(Parts(self.workplace, self.questions, self.imports, self.rules), only)

    # --- questions and claims

    def check(self, asked: schemas.QuestionIn, actor: Actor) -> schemas.CheckOut:
        check_own_team(asked.team, actor)
        return self.questions.check(asked, actor)

    def batch_check(self, asked: schemas.BatchCheckIn, actor: Actor) -> schemas.BatchOut:
        return self.questions.batch_check(asked, actor)

    def reserve(
        self, asked: schemas.ReserveIn, actor: Actor, request: RequestKey | None = None
    ) -> schemas.TouchpointOut:
        check_own_team(asked.team, actor)
        return shown_to(actor, self.claims.reserve(asked, actor, request))

    def batch_reserve(
        self, asked: schemas.BatchReserveIn, actor: Actor, request: RequestKey | None = None
    ) -> schemas.BatchOut:
        return shown_to(actor, self.batches.reserve(asked, actor, request))

    def book(
        self, asked: schemas.TouchpointIn, actor: Actor, request: RequestKey | None = None
    ) -> schemas.TouchpointOut:
        check_own_team(asked.team, actor)
        return shown_to(actor, self.claims.book(asked, actor, request))

    def record(
        self, asked: schemas.TouchpointIn, actor: Actor, request: RequestKey | None = None
    ) -> schemas.TouchpointOut:
        check_own_team(asked.team, actor)
        return shown_to(actor, self.facts.record(asked, actor, request))

    def confirm(self, touchpoint_id: str, actor: Actor) -> schemas.TouchpointOut:
        self._check_whose(touchpoint_id, actor)
        return shown_to(actor, self.changes.confirm(touchpoint_id, actor))

    def release(self, touchpoint_id: str, actor: Actor) -> schemas.TouchpointOut:
        self._check_whose(touchpoint_id, actor)
        return shown_to(actor, self.changes.release(touchpoint_id, actor))

    def extend(self, touchpoint_id: str, ttl: str, actor: Actor) -> schemas.TouchpointOut:
        self._check_whose(touchpoint_id, actor)
        return shown_to(actor, self.changes.extend(touchpoint_id, ttl, actor))

    def cancel(self, touchpoint_id: str, actor: Actor, revision: int | None = None) -> schemas.TouchpointOut:
        return self.set_outcome(touchpoint_id, "cancelled", actor, revision)

    def reschedule(
        self,
        touchpoint_id: str,
        at: datetime,
        actor: Actor,
        override: schemas.OverrideIn | None = None,
        revision: int | None = None,
    ) -> schemas.TouchpointOut:
        self._check_whose(touchpoint_id, actor)
        return shown_to(actor, self.changes.reschedule(touchpoint_id, at, actor, override, revision))

    def set_outcome(
        self, touchpoint_id: str, outcome: str, actor: Actor, revision: int | None = None
    ) -> schemas.TouchpointOut:
        self._check_whose(touchpoint_id, actor)
        return shown_to(actor, self.changes.set_outcome(touchpoint_id, outcome, actor, revision))

    def add_notes(self, touchpoint_id: str, notes: str, actor: Actor) -> schemas.TouchpointOut:
        self._check_whose(touchpoint_id, actor)
        return shown_to(actor, self.changes.add_notes(touchpoint_id, notes, actor))

    def get_touchpoint(self, touchpoint_id: str, actor: Actor = SYSTEM) -> schemas.TouchpointOut:
        """Return the touchpoint. Raises NotFound `touchpoint_not_found`."""
        return shown_to(actor, self.changes.get(touchpoint_id))

    def _check_whose(self, touchpoint_id: str, actor: Actor) -> None:
        """Raise Forbidden `other_team` for another team's touchpoint than the only one that the caller acts for."""
        if actor.bound_team is not None:
            check_own_team(self.changes.get(touchpoint_id).team, actor)

    def list_reservations(self, team: str | None = None, limit: int = 500) -> list[schemas.TouchpointOut]:
        """Return the reservations that hold now, soonest expiry first."""

        def read(session: Session) -> list[schemas.TouchpointOut]:
            now = self.workplace.locks.now(session, self.workplace.clock)
            rows = touchpoints.live_reservations(session, now, team=team, limit=limit)
            return [answers.touchpoint_out(row, now) for row in rows]

        with self.workplace.database.read() as session:
            return read(session)

    # --- people and companies

    def get_contact(self, contact_id: str) -> ContactOut:
        return self.people.get(contact_id)

    def contact_by_email(self, email: str) -> ContactOut:
        return self.people.by_email(email)

    def profile(self, contact_id: str, actor: Actor) -> ProfileOut:
        return self.people.profile(contact_id, actor)

    def timeline(self, contact_id: str, since: datetime | None = None) -> list[schemas.TouchpointOut]:
        return self.people.timeline(contact_id, since)

    def find_contacts(
        self,
        query: str = "",
        *,
        account: str | None = None,
        segment: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> ContactPage:
        return self.people.find(query, account=account, segment=segment, limit=limit, cursor=cursor)

    def add_contact(self, sent: ContactIn, actor: Actor, request: RequestKey | None = None) -> ContactOut:
        return self.people.add(sent, actor, request)

    def change_contact(self, contact_id: str, sent: ContactChange, actor: Actor) -> ContactOut:
        return self.people.change(contact_id, sent, actor)

    def add_account(self, sent: AccountIn, actor: Actor, request: RequestKey | None = None) -> AccountOut:
        return self.accounts.add(sent, actor, request)

    def get_account(self, account_id: str) -> AccountOut:
        return self.accounts.get(account_id)

    def find_accounts(self, query: str = "", *, limit: int = 50, cursor: str | None = None) -> AccountPage:
        return self.accounts.find(query, limit=limit, cursor=cursor)
