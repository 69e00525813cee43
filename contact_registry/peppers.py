"""The secrets of suppression hashes: a file in the data folder, outside the database and made at first use.

Without it the people who asked for erasure would no longer be recognised: back it up, but not with the database.
Old keys stay valid for matching; the newest is used for new entries.
"""

import json
import os
import secrets
from hashlib import sha256
from hmac import new as hmac_of
from pathlib import Path

from contact_registry.addresses import Pepper
from core.errors import Unavailable

FILE_NAME = "contact-keys.json"


class PepperFile:
    """Reads the keys once; makes the file (mode 0600) when there is none."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._peppers: tuple[Pepper, ...] = ()

    @property
    def all(self) -> tuple[Pepper, ...]:
        """The keys, oldest first. Raises Unavailable `contact_keys_unreadable`."""
        if not self._peppers:
            if not self._path.exists():
                self._create()
            self._peppers = self._read()
        return self._peppers

    @property
    def newest(self) -> Pepper:
        return self.all[-1]

    def fingerprint(self, text: str) -> str:
        """Return a keyed hash of a request, stable for as long as the oldest key is kept."""
        return hmac_of(self.all[0].key, b"request:" + text.encode(), sha256).hexdigest()

    def add_key(self) -> int:
        """Add a new key, used from now on, and return its version; running servers see it after a restart."""
        peppers = self.all
        version = peppers[-1].version + 1
        keys = {str(pepper.version): pepper.key.hex() for pepper in peppers}
        keys[str(version)] = secrets.token_hex(32)
        aside = self._path.with_suffix(".new")
        _write_secret(aside, keys)
        aside.replace(self._path)
        self._peppers = self._read()
        return version

    def _create(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        aside = self._path.with_name(f"{FILE_NAME}.{secrets.token_hex(4)}")
        _write_secret(aside, {"1": secrets.token_hex(32)})
        try:
            os.link(aside, self._path)  # another process may have made it meanwhile: then theirs is the one
        except FileExistsError:
            pass
        finally:
            aside.unlink()

    def _read(self) -> tuple[Pepper, ...]:
        try:
            keys = json.loads(self._path.read_text(encoding="ascii"))
            peppers = [Pepper(version=int(version), key=bytes.fromhex(key)) for version, key in keys.items()]
        except (OSError, ValueError, AttributeError) as error:
            raise Unavailable(
                "contact_keys_unreadable",
                f"The file {FILE_NAME} in the data folder cannot be read: restore it from a backup. "
                "Without it erased people would not be recognised.",
            ) from error
        if not peppers:
            raise Unavailable("contact_keys_unreadable", f"The file {FILE_NAME} holds no key: restore it.")
        return tuple(sorted(peppers, key=lambda pepper: pepper.version))


def _write_secret(path: Path, keys: dict[str, str]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        json.dump(keys, file)
        file.flush()
        os.fsync(file.fileno())
