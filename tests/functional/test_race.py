"""Two instances, one Firestore: the same alert many times at once is one order."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.emulators import Emulator
from tests.functional.desk import Desk, google_desks


@pytest.fixture(scope="module")
def desk(
    firestore_emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("race")
    with google_desks(folder, firestore_emulator.host, count=2) as desk:
        yield desk


@pytest.mark.parametrize("keyed", [True, False], ids=["key", "content"])
def test_sixty_four_deliveries_at_once_are_one_order(desk: Desk, keyed: bool) -> None:
    desk.world.fyers.reset()
    alert = desk.alert() if keyed else desk.alert(idempotency_key=...)
    with ThreadPoolExecutor(64) as pool:
        replies = list(pool.map(lambda n: desk.post(alert, n % 2), range(64)))
    statuses = Counter(reply.status_code for reply in replies)
    assert len(desk.orders()) == 1
    assert statuses[200] >= 1
    assert set(statuses) <= {200, 409, 503}
    bodies = {reply.content for reply in replies if reply.status_code == 200}
    assert len(bodies) == 1
    assert desk.post(alert).content in bodies


def test_different_alerts_at_once_are_each_one_order(desk: Desk) -> None:
    desk.world.fyers.reset()
    desk.change(rate_limits=False)  # sixteen alerts are more than FYERS takes at once
    alerts = [desk.alert() for _ in range(16)]
    with ThreadPoolExecutor(32) as pool:
        replies = list(pool.map(lambda n: desk.post(alerts[n // 2], n % 2), range(32)))
    assert {reply.status_code for reply in replies} <= {200, 409, 503}
    placed = {r.json()["order_id"] for r in replies if r.status_code == 200}
    assert len(desk.orders()) == len(placed) == 16
