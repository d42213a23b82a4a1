"""Google's stores behind one stage: Firestore's emulator and a bucket to strike."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from google.cloud import firestore

from local.standins.bucket import Bucket
from tests.support.network import MODES, Proxy

BUCKET = "faults-bucket"
COLLECTIONS = ("alerts", "lanes", "once", "guard", "control")


class Cloud:
    """The Firestore emulator behind a proxy, and a bucket."""

    def __init__(self, emulator: str) -> None:
        self._project = f"faults-{uuid.uuid4().hex[:12]}"
        self._emulator = emulator
        self._proxy = Proxy(emulator)
        self._gcs = Bucket()
        self._lasting = False
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FIRESTORE_EMULATOR_HOST", emulator)
            self._client = firestore.Client(project=self._project)
        self.env: Mapping[str, str] = {
            "STATE_BACKEND": "gcp",
            "GOOGLE_CLOUD_PROJECT": self._project,
            "GCS_BUCKET_NAME": BUCKET,
            "FIRESTORE_EMULATOR_HOST": self._proxy.address,
            "STORAGE_EMULATOR_HOST": self._gcs.url,
        }

    def age(self, seconds: float) -> None:
        older = timedelta(seconds=seconds)
        for name in COLLECTIONS:
            for found in self._client.collection(name).stream():
                found.reference.set(_moved(found.to_dict(), older))

    def claims(self) -> list[dict[str, Any]]:
        stream = self._client.collection("alerts").stream()
        return [found.to_dict() or {} for found in stream]

    def store_token(self, content: bytes | None) -> None:
        place = BUCKET, "tokens/tokens.json"
        if content is None:
            self._gcs.objects.pop(place, None)
        else:
            self._gcs.put(place, content, None)

    def clear(self) -> None:
        self.heal(all_of_it=True)
        for name in COLLECTIONS:
            for found in self._client.collection(name).stream():
                found.reference.delete()

    def strike(self, what: str) -> None:
        """Fail as `proxy` can, or the bucket: `bucket-down`, `bucket-hang`."""
        self._lasting = what.endswith("*")
        if what.rstrip("*") == "bucket-down":
            self._gcs.script.statuses = [503] * 100
        elif what == "bucket-hang":
            self._gcs.script.hang = 100
        elif what in MODES:
            self._proxy.strike(what)
        else:
            raise ValueError(f"a network is not {what}")

    def heal(self, *, all_of_it: bool) -> None:
        self._proxy.heal()
        if self._lasting and not all_of_it:
            return
        self._gcs.script.statuses = []
        self._gcs.script.hang = 0

    def close(self) -> None:
        """End proxy and bucket."""
        self._proxy.close()
        self._gcs.close()


def _moved(value: Any, older: timedelta) -> Any:
    """Return a document with every instant earlier."""
    if isinstance(value, dict):
        return {name: _moved(each, older) for name, each in value.items()}
    if isinstance(value, list):
        return [_moved(each, older) for each in value]
    return value - older if isinstance(value, datetime) else value
