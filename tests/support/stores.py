"""Real documents, opened by their kind: here, or in a process of a race."""

from __future__ import annotations

import os
import time
from pathlib import Path

from shared.adapters.documents import Documents
from shared.adapters.sqlite import SqliteDocuments


def documents(kind: str, address: str, host: str = "") -> Documents:
    """Return `sqlite` at a path, or `firestore`'s emulator for a project.

    Without a `host` the emulator is the one that its variable names.
    """
    if kind == "sqlite":
        return SqliteDocuments(Path(address))
    from shared.adapters.firestore import FirestoreDocuments

    emulator = host or os.environ["FIRESTORE_EMULATOR_HOST"]
    return FirestoreDocuments(address, "(default)", time.sleep, emulator)
