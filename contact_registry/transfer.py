"""The whole registry as lines of JSON, and back into an empty workspace: ids, history, stops, consents and rules.

The first line is a head, every other one a row: `{"table": …, "row": {…}}`. The secrets of suppression hashes never
stand in the file: they travel apart, as with a backup, and the head only says which ones they were.
"""

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from hmac import new as hmac_of
from itertools import groupby
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session, SQLModel

from contact_registry.actor import Actor
from contact_registry.addresses import Pepper
from contact_registry.peppers import FILE_NAME
from contact_registry.repository import transfer
from contact_registry.repository.transfer import MODELS, table_of
from contact_registry.tables import SuppressionToken
from contact_registry.workplace import Workplace
from core.audit import record_event
from core.errors import Conflict, InvalidInput
from core.ids import new_id
from core.tables import Team

FORMAT = "earshot_registry"
VERSION = 1
_AT_ONCE = 1000
_BY_NAME = {table_of(model).name: model for model in MODELS}


class TransferService:
    def __init__(self, workplace: Workplace) -> None:
        self._at = workplace

    def lines(self) -> Iterator[str]:
        """Yield the registry as of one moment, one line each, without line ends."""
        yield json.dumps({FORMAT: VERSION, "keys": _fingerprints(self._at.peppers.all)})
        with self._at.database.read() as session:
            for name, model in _BY_NAME.items():
                for row in transfer.rows_of(session, model):
                    yield json.dumps({"table": name, "row": row.model_dump(mode="json")}, ensure_ascii=False)

    def load(self, lines: Iterable[str], actor: Actor) -> dict[str, int]:
        """Fill an empty registry and return how many rows each table got. All or nothing.

        Raises Conflict `registry_not_empty`, `other_contact_keys`, InvalidInput `invalid_registry_file`.
        """
        numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
        keys = _head(next(numbered, (1, ""))[1])

        def work(session: Session) -> dict[str, int]:
            self._at.locks.rules_exclusive(session)
            if not transfer.is_empty(session):
                raise Conflict(
                    "registry_not_empty",
                    "There are contacts, rules or stops here already: import a whole registry into an empty workspace.",
                )
            counts = self._insert(session, numbered, keys)
            record_event(
                session,
                at=self._at.locks.now(session, self._at.clock),
                actor=actor.id,
                action="registry.loaded",
                subject_type="registry",
                subject_id=new_id("reg"),
                detail=dict(counts),
            )
            return counts

        with self._at.database.write() as session:  # once: the lines are read only once
            return work(session)

    def _insert(self, session: Session, numbered: Iterable[tuple[int, str]], keys: dict[str, str]) -> dict[str, int]:
        counts: dict[str, int] = {}
        teams = transfer.known_teams(session)
        for model, rows in groupby((_row(number, line) for number, line in numbered), key=lambda row: type(row)):
            if model is SuppressionToken:
                self._require_keys(keys)
            pending: list[dict[str, Any]] = []
            for row in rows:
                if isinstance(row, Team) and row.id in teams:
                    continue
                pending.append(row.model_dump())
                counts[table_of(model).name] = counts.get(table_of(model).name, 0) + 1
                if len(pending) == _AT_ONCE:
                    transfer.insert_rows(session, model, pending)
                    pending = []
            transfer.insert_rows(session, model, pending)
        return counts

    def _require_keys(self, keys: dict[str, str]) -> None:
        """Raise Conflict unless this workspace recognises the addresses that the old one stopped."""
        mine = _fingerprints(self._at.peppers.all)
        if any(mine.get(version) != fingerprint for version, fingerprint in keys.items()):
            raise Conflict(
                "other_contact_keys",
                f"Stopped and erased addresses are recognised only with the old workspace's {FILE_NAME}: copy that "
                "file into the data folder here, in place of the one there is, and import again.",
            )


def is_registry_file(first_line: str) -> bool:
    """Say whether a file that begins so is a whole registry."""
    return first_line.lstrip("\ufeff \t").startswith("{") and f'"{FORMAT}"' in first_line


def _fingerprints(peppers: Iterable[Pepper]) -> dict[str, str]:
    return {str(one.version): hmac_of(one.key, b"fingerprint", sha256).hexdigest()[:16] for one in peppers}


def _head(line: str) -> dict[str, str]:
    try:
        head = json.loads(line)
        version, keys = head[FORMAT], dict(head["keys"])
    except (ValueError, KeyError, TypeError) as error:
        raise _invalid(1) from error
    if version != VERSION:
        raise InvalidInput(
            "invalid_registry_file", f"The file has version {version!r} of the format, this Earshot reads {VERSION}."
        )
    return keys


def _row(number: int, line: str) -> SQLModel:
    try:
        sent = json.loads(line)
        return _BY_NAME[sent["table"]].model_validate(sent["row"])
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise _invalid(number) from error


def _invalid(line: int) -> InvalidInput:
    return InvalidInput(
        "invalid_registry_file", f"Line {line} of the file is not what `earshot contacts export` writes.", line=line
    )
