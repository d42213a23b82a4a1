"""Where state lives, picked once by STATE_BACKEND: at Google, or on this machine.

Each adapter is imported by the first that needs it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from shared.config import Settings
from shared.symbols import SymbolStore
from shared.tokens import TokenStore
from shared.wiring.process import now, once, pause

if TYPE_CHECKING:
    from shared.adapters.documents import Documents
    from shared.adapters.google_credentials import Credentials


class Backend(Protocol):
    """The three kinds of state."""

    def documents(self) -> Documents:
        """Return what holds claims, lanes and guardrails."""
        ...

    def tokens(self) -> TokenStore:
        """Return what holds the FYERS token."""
        ...

    def symbols(self, exchange: str) -> SymbolStore:
        """Return what holds an exchange's snapshot."""
        ...


@once
def backend(settings: Settings) -> Backend:
    """Return where these settings keep their state."""
    return _Local(settings) if settings.state_backend == "local" else _Google(settings)


class _Local:
    """SQLite in one file and files beside it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.local_state_dir

    def documents(self) -> Documents:
        from shared.adapters.sqlite import SqliteDocuments

        return SqliteDocuments(self._folder / "claims.sqlite")

    def tokens(self) -> TokenStore:
        from shared.adapters.files import FileTokens

        return FileTokens(self._folder / self._settings.gcs_tokens_file, pause)

    def symbols(self, exchange: str) -> SymbolStore:
        from shared.adapters.files import FileSymbols

        return FileSymbols(self._folder / self._settings.symbols_file(exchange))


class _Google:
    """Firestore and one bucket."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bucket = settings.google_cloud_project, settings.gcs_bucket_name

    def documents(self) -> Documents:
        from shared.adapters.firestore import FirestoreDocuments

        return FirestoreDocuments(
            self._settings.google_cloud_project,
            self._settings.firestore_database,
            pause,
            os.environ.get("FIRESTORE_EMULATOR_HOST") or credentials(),
        )

    def tokens(self) -> TokenStore:
        from shared.adapters.gcs import GcsTokens

        name = self._settings.gcs_tokens_file
        return GcsTokens(*self._bucket, name, *_storage())

    def symbols(self, exchange: str) -> SymbolStore:
        from shared.adapters.gcs import GcsSymbols

        name = self._settings.symbols_file(exchange)
        return GcsSymbols(*self._bucket, name, *_storage())


@once
def credentials() -> Credentials:
    """Return what lets this process in to Google's APIs."""
    from shared.adapters.google_credentials import FoundCredentials, PlatformCredentials

    return (
        PlatformCredentials(now) if os.environ.get("K_SERVICE") else FoundCredentials()
    )


def _storage() -> tuple[str, Credentials | None]:
    """Return where the bucket is, and what lets us in."""
    from shared.adapters.gcs import STORAGE

    emulator = os.environ.get("STORAGE_EMULATOR_HOST")
    return (emulator, None) if emulator else (STORAGE, credentials())
