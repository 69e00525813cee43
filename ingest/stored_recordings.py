"""Lets recordings go whose last interview is gone; every change that takes a recording from an interview ends here."""

from __future__ import annotations

from sqlmodel import Session

from core.blobs import BlobStore
from ingest import repository


def delete_if_unused(session: Session, blobs: BlobStore, sha256: str) -> bool:
    """Delete the bytes unless an interview still has them, and say whether.

    Inside the transaction: if the commit fails, what is left is an interview to do it with again, never bytes that
    somebody believes deleted.
    """
    session.flush()
    if repository.is_recording_used(session, sha256):
        return False
    blobs.delete(sha256)
    return True
