"""What one alert may cost: the packages it imports and the calls it makes.

Counted, not timed, so that a busy machine changes nothing: an import that slips onto
the way of an order, or one more round trip, is seen here first.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.measuring import ground
from local.measuring.ground import Ground
from tests.emulators import Emulator

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import collections, gc, json, os, sys, threading
import functions_framework
import flask.testing  # for this script, not for the webhook

def names():
    return set(sys.modules)

counted = collections.Counter()
watched = set(json.loads(os.environ.pop("WATCHED")))

def count(frame, event, _):
    if event == "call" and frame.f_code.co_qualname in watched:
        counted[frame.f_code.co_qualname] += 1

threading.setprofile(count)  # before any thread is there
sys.setprofile(count)
body = os.environ.pop("ALERTS").split("\\n")
started = names()
app = functions_framework.create_app("webhook", "functions/webhook/main.py")
loaded = names()
client = app.test_client()
statuses = [client.post("/", data=body[0]).status_code]
ordered = names()
counted.clear()
statuses.append(client.post("/", data=body[1]).status_code)
print(json.dumps({
    "statuses": statuses,
    "loaded": sorted(loaded - started),
    "ordered": sorted(ordered - loaded),
    "calls": counted,
    "collecting": gc.isenabled() and gc.get_freeze_count() > 10_000,
}))
"""

LIGHT = frozenset(
    {"fyers_apiv3", "requests", "urllib3", "certifi", "charset_normalizer", "idna"}
)
"""The SDK and what it calls with."""

GOOGLE = frozenset(
    {
        "google.api",
        "google.api_core",
        "google.auth",
        "google.cloud._helpers",
        "google.cloud._http",
        "google.cloud.client",
        "google.cloud.exceptions",
        "google.cloud.firestore",
        "google.cloud.firestore_v1",
        "google.cloud.location",
        "google.cloud.storage",
        "google.cloud.version",
        "google.longrunning",
        "google.oauth2",
        "google.protobuf",
        "google.resumable_media",
        "google.rpc",
        "google.type",
        "google._upb",
        "grpc",
        "grpc_status",
        "proto",
        "cryptography",
        "opentelemetry",
        "typing_extensions",
        "google_crc32c",
    }
)
"""What the Firestore and Cloud Storage clients import themselves."""

UNWANTED_OF_OURS = frozenset(
    {
        "shared.pages",
        "shared.login",
        "shared.reconciliation",
        "shared.readiness",
        "shared.wiring.signing_in",
        "shared.wiring.warming",
        "shared.adapters.pubsub",
        "shared.adapters.apprise",
        "shared.adapters.symbol_master",
        "shared.adapters.fyers.login",
    }
)

UNWANTED = frozenset(
    {
        "google.cloud.pubsub",
        "google.cloud.pubsub_v1",
        "google.pubsub_v1",
        "apprise",
        "boto3",
        "botocore",
        "aiohttp",
        "aws_lambda_powertools",
        "aws_xray_sdk",
        "websocket",
        "yarl",
        "multidict",
        "asyncio",
        "multiprocessing",
        "unittest",
        "pydoc",
        "tkinter",
        "uvicorn",
        "starlette",
        "yaml",
        "markdown",
    }
)
"""Heavy packages, installed or not, that an order has no use for."""

WRITES = {"SqliteClaims.create": 1, "SqliteClaims.replace": 2}
"""CLAIMED; SENDING and DONE."""

GOOGLE_WRITES = {"FirestoreClaims.create": 1, "FirestoreClaims.replace": 2}

WATCHED = [
    f"{store}.{call}"
    for store in ("SqliteClaims", "FirestoreClaims")
    for call in ("create", "read", "replace", "once", "watched", "warm")
] + [
    f"{store}.{call}"
    for store in ("FileTokens", "FileSymbols", "GcsTokens", "GcsSymbols")
    for call in ("read", "write")
]


@dataclass(frozen=True)
class Seen:
    """What one process imported, and what its second alert called."""

    statuses: list[int]
    loaded: frozenset[str]
    """Modules that loading the function brought, beyond the framework's."""
    ordered: frozenset[str]
    """Modules that the first order brought."""
    calls: Mapping[str, int]
    """Calls of stores for the second alert, by name."""
    collecting: bool
    """The garbage collector works, and leaves alone what the first order imported."""
    fyers: Mapping[str, int]
    """Calls of FYERS for both alerts."""

    def packages(self, modules: frozenset[str]) -> set[str]:
        """Return what is neither the standard library's nor ours."""
        ours = sys.stdlib_module_names | {"shared", "functions", "main"}
        found = {_package(name) for name in modules}
        compiled = ("_cython", "cython_runtime", "_cffi", "_openssl")
        return {
            name
            for name in found
            if name.partition(".")[0] not in ours and not name.startswith(compiled)
        }


def _package(module: str) -> str:
    """Return the package of a module; Google's share two levels of names."""
    parts = module.split(".")
    if parts[0] != "google":
        return parts[0]
    return ".".join(parts[: 3 if parts[1:2] == ["cloud"] else 2])


@pytest.fixture(scope="module")
def place() -> Iterator[Ground]:
    with ground.standing(22_000) as found:
        yield found


@pytest.fixture(scope="module")
def embedded(place: Ground) -> Seen:
    with place.embedded() as settings:
        return _run(place, settings)


@pytest.fixture(scope="module")
def google(place: Ground, firestore_emulator: Emulator) -> Seen:
    settings = place.google(firestore_emulator.host)
    seen = _run(place, settings)
    if seen.statuses[0] == 503:  # a fresh emulator takes a second for its first write
        seen = _run(place, settings)
    return seen


def _run(place: Ground, settings: Mapping[str, str]) -> Seen:
    place.forget()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": ".",
            "WATCHED": json.dumps(WATCHED),
            "ALERTS": "\n".join(place.alert().decode() for _ in range(2)),
            **settings,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    return Seen(
        seen["statuses"],
        frozenset(seen["loaded"]),
        frozenset(seen["ordered"]),
        seen["calls"],
        seen["collecting"],
        Counter(f"{call.method} {call.path}" for call in place.fyers.calls),
    )


def test_both_alerts_became_orders(embedded: Seen) -> None:
    assert embedded.statuses == [200, 200]


def test_loading_the_webhook_imports_no_package_but_the_framework(
    embedded: Seen,
) -> None:
    assert embedded.packages(embedded.loaded) == set()


def test_loading_the_webhook_imports_no_adapter(embedded: Seen) -> None:
    assert [name for name in embedded.loaded if "adapters" in name] == []


def test_loading_the_webhook_stays_small(embedded: Seen) -> None:
    assert len(embedded.loaded) <= 60  # 43 counted


def test_an_order_never_imports_what_other_functions_need(embedded: Seen) -> None:
    assert (embedded.loaded | embedded.ordered) & UNWANTED_OF_OURS == set()


def test_the_first_order_imports_only_what_calls_fyers(embedded: Seen) -> None:
    assert embedded.packages(embedded.ordered) <= LIGHT


def test_the_first_order_imports_nothing_heavy(embedded: Seen) -> None:
    assert {name.partition(".")[0] for name in embedded.ordered} & UNWANTED == set()


def test_the_first_order_stays_small(embedded: Seen) -> None:
    assert len(embedded.ordered) <= 170  # 136 counted


def test_collecting_garbage_goes_on_after_the_first_order(embedded: Seen) -> None:
    assert embedded.collecting


def test_an_alert_calls_fyers_three_times(embedded: Seen) -> None:
    assert embedded.fyers == {
        "GET /data/quotes": 2,
        "GET /api/v3/positions": 2,
        "POST /api/v3/orders/sync": 2,
    }


def test_an_alert_writes_its_claim_three_times_and_reads_nothing(
    embedded: Seen,
) -> None:
    assert embedded.calls == WRITES


def test_with_googles_stores_both_alerts_became_orders(google: Seen) -> None:
    assert google.statuses == [200, 200]


def test_with_googles_stores_loading_imports_no_more(
    embedded: Seen, google: Seen
) -> None:
    assert google.loaded == embedded.loaded


def test_with_googles_stores_an_order_imports_their_clients_only(
    google: Seen,
) -> None:
    assert google.packages(google.ordered) <= LIGHT | GOOGLE


def test_with_googles_stores_an_order_imports_neither_pubsub_nor_apprise(
    google: Seen,
) -> None:
    found = {_package(name) for name in google.ordered}
    assert found & (UNWANTED - {"asyncio"}) == set()  # Firestore's client imports it


def test_with_googles_stores_the_first_order_stays_bounded(google: Seen) -> None:
    assert len(google.ordered) <= 650  # 553 counted


def test_with_googles_stores_an_alert_writes_its_claim_three_times(
    google: Seen,
) -> None:
    assert google.calls == GOOGLE_WRITES


def test_with_googles_stores_an_alert_calls_fyers_three_times(google: Seen) -> None:
    assert google.fyers == {
        "GET /data/quotes": 2,
        "GET /api/v3/positions": 2,
        "POST /api/v3/orders/sync": 2,
    }
