"""What one alert may cost: the packages it imports and the calls it makes.

Counted, not timed, so that a busy machine changes nothing: an import that slips onto
the way of an order, or one more round trip, is seen here first.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.measuring import ground
from local.measuring.ground import Ground
from local.standins.emulators import Emulator

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
# Far more than a reply may take: on a busy machine the calls are still all made.
sys.modules["shared.wiring.process"].REPLY_WITHIN = 60
client = app.test_client()
statuses = [client.post("/", data=body[0]).status_code]
ordered = names()
calls = []
for text in body[1:]:
    counted.clear()
    statuses.append(client.post("/", data=text).status_code)
    calls.append(dict(counted))
print(json.dumps({
    "statuses": statuses,
    "loaded": sorted(loaded - started),
    "ordered": sorted(ordered - loaded),
    "calls": calls,
    "collecting": gc.isenabled() and gc.get_freeze_count() > 10_000,
}))
"""

LIGHT = frozenset(
    {"fyers_apiv3", "requests", "urllib3", "certifi", "charset_normalizer", "idna"}
)
"""The SDK and what it calls with."""

GOOGLE = frozenset(
    {
        "google.cloud.firestore_v1",
        "google.protobuf",
        "google.rpc",
        "google.type",
        "google._upb",
        "grpc",
        "grpc_status",
        "proto",
        "typing_extensions",
        "google_crc32c",
    }
)
"""What Firestore's messages import themselves, and the checksum of a download."""

UNWANTED_OF_OURS = frozenset(
    {
        "shared.builder",
        "shared.pages",
        "shared.login",
        "shared.reconciliation",
        "shared.readiness",
        "shared.symbols.master",
        "shared.symbols.refreshing",
        "shared.wiring.desk",
        "shared.wiring.login",
        "shared.wiring.readyz",
        "shared.wiring.reconcile",
        "shared.wiring.symbols",
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

ENTRY = {"commit": 3, "find": 1, "get": 1}
"""CLAIMED, SENDING and DONE. Beside the quote: what else of ours is on the contract,
and whether entries are taken."""

CLOSE = {"commit": 5, "find": 1}
"""CLAIMED, the lane taken, SENDING with the lane's mark, DONE, the lane given back; our
claims on the contract."""

MARKET = {"GET /data/quotes", "GET /api/v3/positions"}
ACCOUNT = {*MARKET, "GET /api/v3/orders"}
PLACED = "POST /api/v3/orders/sync"

WATCHED = [
    f"{store}.{call}"
    for store in ("SqliteDocuments", "FirestoreDocuments")
    for call in ("get", "commit", "find", "warm")
] + [
    f"{store}.{call}"
    for store in ("FileTokens", "FileSymbols", "GcsTokens", "GcsSymbols")
    for call in ("read", "write")
]


@dataclass(frozen=True)
class Seen:
    """What one process imported, and what its second entry and its cover called."""

    statuses: list[int]
    loaded: frozenset[str]
    """Modules that loading the function brought, beyond the framework's."""
    ordered: frozenset[str]
    """Modules that the first order brought."""
    entry: Mapping[str, int]
    """Calls of stores for the second entry, by name."""
    close: Mapping[str, int]
    """Calls of stores for the cover of both."""
    collecting: bool
    """The garbage collector works, and leaves alone what the first order imported."""
    fyers: list[str]
    """Calls of FYERS for all alerts, in order."""

    @property
    def entered(self) -> list[str]:
        """Return the calls of FYERS for the second entry."""
        return self.fyers[3:6]

    @property
    def covered(self) -> list[str]:
        """Return the calls of FYERS for the cover."""
        return self.fyers[6:]

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
    return _run(place, settings)


def _run(place: Ground, settings: Mapping[str, str]) -> Seen:
    place.forget()
    alerts = [_alert(place, action) for action in ("SELL", "SELL", "BUY")]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": ".",
            "WATCHED": json.dumps(WATCHED),
            "ALERTS": "\n".join(alerts),
            **settings,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    entry, close = (_stores(calls) for calls in seen["calls"])
    return Seen(
        seen["statuses"],
        frozenset(seen["loaded"]),
        frozenset(seen["ordered"]),
        entry,
        close,
        seen["collecting"],
        [f"{call.method} {call.path}" for call in place.fyers.calls],
    )


def _alert(place: Ground, action: str) -> str:
    """Return an alert in MARGIN, whose close owes the owner no word after 15:15."""
    template = json.loads(place.alert())
    return json.dumps({**template, "action": action, "productType": "MARGIN"})


def _stores(calls: Mapping[str, int]) -> dict[str, int]:
    """Return how often the claims' store was called, whichever it is."""
    return {name.partition("Documents.")[2] or name: n for name, n in calls.items()}


def test_every_alert_became_an_order(embedded: Seen) -> None:
    assert embedded.statuses == [200, 200, 200]


def test_loading_the_webhook_imports_no_package_but_the_framework(
    embedded: Seen,
) -> None:
    assert embedded.packages(embedded.loaded) == set()


def test_loading_the_webhook_imports_no_adapter(embedded: Seen) -> None:
    assert [name for name in embedded.loaded if "adapters" in name] == []


def test_loading_the_webhook_stays_small(embedded: Seen) -> None:
    assert len(embedded.loaded) <= 70  # 66 counted


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


def test_an_entry_is_two_round_trips_of_fyers(embedded: Seen) -> None:
    assert set(embedded.entered[:2]) == MARKET
    assert embedded.entered[2:] == [PLACED]


def test_a_cover_reads_fyers_in_one_round_trip_before_its_order(
    embedded: Seen,
) -> None:
    assert set(embedded.covered[:3]) == ACCOUNT
    assert embedded.covered[3] == PLACED
    assert embedded.covered.count(PLACED) == 1


def test_an_entry_writes_its_claim_three_times(embedded: Seen) -> None:
    assert embedded.entry == ENTRY


def test_a_cover_calls_the_store_six_times(embedded: Seen) -> None:
    assert embedded.close == CLOSE


def test_with_googles_stores_every_alert_became_an_order(google: Seen) -> None:
    assert google.statuses == [200, 200, 200]


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
    assert len(google.ordered) <= 540  # 460 counted


def test_with_googles_stores_the_calls_are_the_same(
    embedded: Seen, google: Seen
) -> None:
    assert google.entry == embedded.entry
    assert google.close == embedded.close
    assert set(google.fyers[:3]) == {*MARKET, PLACED}
    assert set(google.entered[:2]) == MARKET
    assert set(google.covered[:3]) == ACCOUNT
    assert google.covered[3] == PLACED
