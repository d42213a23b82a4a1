"""What every measurement stands on: the simulator, a login, a snapshot, both stores."""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import requests

import simulator
from local.playground import Playground
from local.standins import fyers as standin
from local.standins.bucket import Bucket
from shared.symbols.master import build
from simulator.calls import Call
from simulator.master_file import lines_of

BUCKET = "bench"
ROWS = 100_000
"""Of the symbol master, about what NSE lists."""

TOKENS, SYMBOLS = "tokens/tokens.json", "symbols/NSE_FO.zip"


@dataclass(frozen=True, slots=True)
class Ground:
    """The simulated FYERS and what an instance needs to know of it."""

    fyers: simulator.Simulator
    bucket: str
    template: Mapping[str, object]
    """A NIFTY alert at the money."""

    def alert(self) -> bytes:
        """Return one more alert, unlike any before."""
        return json.dumps(
            {
                **self.template,
                "idempotency_key": uuid.uuid4().hex,
                "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            }
        ).encode()

    def settings(self, pace: int = 0) -> dict[str, str]:
        """Return the settings both backends share; `pace` 0 is unpaced."""
        return standin.settings(self.fyers, str(self.template["token"])) | {
            "FYERS_CALLS_PER_SECOND": str(pace),
            "GCS_TOKENS_FILE": TOKENS,
            "GCS_SYMBOLS_FILE": SYMBOLS,
        }

    @contextlib.contextmanager
    def embedded(self, pace: int = 0) -> Iterator[dict[str, str]]:
        """Yield the settings of an embedded store that holds no claim yet."""
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            for name, content in _objects(self.fyers).items():
                place = Path(folder) / name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
            store = {"STATE_BACKEND": "local", "LOCAL_STATE_DIR": folder}
            yield self.settings(pace) | store

    def google(self, firestore: str) -> dict[str, str]:
        """Return the settings of Google's stores, with an empty database."""
        return self.settings() | {
            "STATE_BACKEND": "gcp",
            "GOOGLE_CLOUD_PROJECT": f"bench-{uuid.uuid4().hex[:12]}",
            "GCS_BUCKET_NAME": BUCKET,
            "FIRESTORE_EMULATOR_HOST": firestore,
            "STORAGE_EMULATOR_HOST": self.bucket,
        }

    def forget(self) -> None:
        """Empty FYERS's books and forget the calls: their length costs time."""
        with self.fyers.exchange.lock:
            self.fyers.exchange.clear()

    def empty(self, settings: Mapping[str, str]) -> None:
        """Drop every claim: nothing else ends what the guard would forget.

        An entry reads all claims that are watched; on a real day these are few.
        """
        if settings["STATE_BACKEND"] == "local":
            place = Path(settings["LOCAL_STATE_DIR"]) / "claims.sqlite"
            if place.exists():
                with contextlib.closing(sqlite3.connect(place)) as db, db:
                    db.execute("DELETE FROM documents")
            return
        host = settings["FIRESTORE_EMULATOR_HOST"]
        project = settings["GOOGLE_CLOUD_PROJECT"]
        path = f"emulator/v1/projects/{project}/databases/(default)/documents"
        requests.delete(f"http://{host}/{path}", timeout=10).raise_for_status()

    def orders(self) -> list[Call]:
        """Return the order calls since the last `forget`."""
        return [call for call in list(self.fyers.calls) if is_order(call)]


def is_order(call: Call) -> bool:
    """Return whether a call places an order."""
    return call.method == "POST" and call.path.endswith("/orders/sync")


@contextlib.contextmanager
def standing(rows: int = ROWS) -> Iterator[Ground]:
    """Start the simulator without limits and fill the bucket."""
    options = {"rate_limits": False, "funds": Decimal(10**12)}
    with (
        simulator.running(master_rows=rows, **options) as fyers,
        contextlib.closing(Bucket()) as bucket,
    ):
        for name, content in _objects(fyers).items():
            bucket.put((BUCKET, name), content, None)
        template = Playground(fyers, "", secrets.token_urlsafe(24)).alert()
        yield Ground(fyers, bucket.url, template)


def _objects(fyers: simulator.Simulator) -> dict[str, bytes]:
    """Return a fresh login and today's snapshot, by object name."""
    now = datetime.now(UTC)
    snapshot = build(lines_of(fyers.options), now).data
    return {TOKENS: standin.login(fyers, now), SYMBOLS: snapshot}
