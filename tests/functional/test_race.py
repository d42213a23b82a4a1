"""Two instances, one Firestore: the same alert many times at once is one order."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from local.standins.emulators import Emulator
from tests.functional.clocked import SharedClock
from tests.functional.desk import Desk, google_desks


@pytest.fixture(scope="module")
def desk(
    firestore_emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("race")
    clock = SharedClock(folder / "clock")
    # Sixty-four at once keep a small machine busy for longer than a reply may take.
    env = {"REPLY_WITHIN": "20"}
    with google_desks(folder, firestore_emulator.host, 2, env, clock) as desk:
        yield desk


def resent(desk: Desk, alert: Mapping[str, Any]) -> requests.Response:
    """Resend as TradingView does."""
    for _ in range(4):
        reply = desk.post(alert)
        if reply.status_code == 200:
            return reply
    raise AssertionError(f"never settled: {reply.status_code} {reply.text}")


@pytest.mark.parametrize("keyed", [True, False], ids=["key", "content"])
def test_sixty_four_deliveries_at_once_are_one_order(desk: Desk, keyed: bool) -> None:
    desk.world.fyers.reset()
    desk.change(rate_limits=False)
    alert = desk.alert() if keyed else desk.alert(idempotency_key=...)
    with ThreadPoolExecutor(64) as pool:
        replies = list(pool.map(lambda n: desk.post(alert, n % 2), range(64)))
    assert {reply.status_code for reply in replies} <= {200, 409, 503}
    settled = resent(desk, alert)
    assert len(desk.orders()) == 1
    placed = {reply.content for reply in replies if reply.status_code == 200}
    assert placed <= {settled.content}
    assert desk.post(alert).content == settled.content


def test_different_alerts_at_once_are_each_one_order(desk: Desk) -> None:
    desk.world.fyers.reset()
    desk.change(rate_limits=False)  # sixteen alerts are more than FYERS takes at once
    alerts = [desk.alert() for _ in range(16)]
    with ThreadPoolExecutor(32) as pool:
        replies = list(pool.map(lambda n: desk.post(alerts[n // 2], n % 2), range(32)))
    assert {reply.status_code for reply in replies} <= {200, 409, 503}
    placed = {resent(desk, alert).json()["order_id"] for alert in alerts}
    assert len(desk.orders()) == len(placed) == 16
