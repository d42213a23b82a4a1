"""When the store is asked, what serves meanwhile, and what a miss then means."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from shared.errors import BadRequest, Unavailable
from shared.models import (
    IST,
    Contract,
    Deadline,
    ExpiryWord,
    OptionType,
    WantedExpiry,
)
from shared.symbols import SourceBroken, Summary, Symbols
from shared.symbols.refreshing import refresh
from tests.unit.symbol_rows import (
    FOREVER,
    MONTHLY,
    NEXT,
    NOW,
    Clockwork,
    KeptBytes,
    future,
    market,
    packed,
    row,
    summary,
)

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


class Desk:
    """Symbols over a scripted store and clock."""

    def __init__(self, data: bytes | None) -> None:
        self.store = KeptBytes(data)
        self.clock = Clockwork()
        self.symbols = Symbols({"NSE": self.store}, self.clock)

    def find(
        self,
        underlying: str = "NIFTY",
        expiry: WantedExpiry = ExpiryWord.WEEKLY,
        strike: str = "25800",
        deadline: Deadline = FOREVER,
    ) -> Contract:
        return self.symbols.find(
            underlying, expiry, Decimal(strike), OptionType.CE, deadline
        )


@pytest.fixture
def desk() -> Desk:
    return Desk(packed())


def test_symbols_are_at_hand_while_they_are_fresh_and_readable(desk: Desk) -> None:
    before = desk.symbols.at_hand
    desk.find()
    kept = desk.symbols.at_hand
    desk.clock.now += DAY

    assert (before, kept, desk.symbols.at_hand) == (False, True, False)


def test_the_store_is_read_once(desk: Desk) -> None:
    found = {desk.find(), desk.find(), desk.find("M&M", strike="3500")}
    assert (len(found), desk.store.reads) == (2, 1)


@pytest.mark.parametrize("name", ["nifty", "Nifty", "NIFTY"])
def test_an_underlying_is_found_in_any_case(desk: Desk, name: str) -> None:
    assert desk.find(name).underlying == "NIFTY"


@pytest.mark.parametrize("name", ["NIFTY50", "nıfty", "NIFTY ", "", "meta.json"])
def test_an_unknown_underlying_is_the_alerts_fault(desk: Desk, name: str) -> None:
    with pytest.raises(BadRequest, match="is not an underlying of NSE") as refused:
        desk.find(name)
    assert refused.value.code == "unknown_symbol"


def test_without_a_snapshot_nothing_can_be_found() -> None:
    with pytest.raises(Unavailable, match="no symbol snapshot"):
        Desk(None).find()


def test_a_snapshot_that_arrives_is_taken_at_once() -> None:
    desk = Desk(None)
    with pytest.raises(Unavailable):
        desk.find()
    desk.store.data = packed()
    assert desk.find().ticker == "NSE:NIFTY2621025800CE"


def test_a_store_that_is_down_is_503_for_a_new_instance(desk: Desk) -> None:
    desk.store.down = True
    with pytest.raises(Unavailable, match="cannot be read"):
        desk.find()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no zip", id="not a zip"),
        pytest.param(packed()[:-30], id="cut"),
        pytest.param(packed().replace(b"meta.json", b"meat.json"), id="no summary"),
    ],
)
def test_a_damaged_snapshot_is_503(data: bytes) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        Desk(data).find()


def test_a_damaged_member_is_503() -> None:
    whole = packed()
    start = whole.index(b"chain/NIFTY") + 20
    torn = whole[:start] + bytes(9) + whole[start + 9 :]
    with pytest.raises(Unavailable, match="damaged"):
        Desk(torn).find()


def test_a_damaged_member_is_read_again_once_it_is_replaced() -> None:
    whole = packed()
    start = whole.index(b"chain/NIFTY") + 20
    desk = Desk(whole[:start] + bytes(9) + whole[start + 9 :])
    with pytest.raises(Unavailable):
        desk.find()
    desk.store.data = packed(now=NOW + SECOND)
    desk.clock.now += 11 * SECOND
    assert desk.find().ticker == "NSE:NIFTY2621025800CE"


def test_a_new_listing_is_found_by_rereading(desk: Desk) -> None:
    desk.find()
    desk.store.data = packed([*market(), row(strike="26000.0")], NOW + SECOND)
    desk.clock.now += 11 * SECOND
    assert desk.find(strike="26000").strike == 26000


def test_a_new_expiry_is_found_by_rereading(desk: Desk) -> None:
    desk.find()
    day = date(2026, 3, 2)
    desk.store.data = packed([*market(), row(day=day)], NOW + SECOND)
    desk.clock.now += 11 * SECOND
    assert desk.find(expiry=day).expiry == day


def test_bad_alerts_cost_one_read_in_ten_seconds(desk: Desk) -> None:
    desk.find()
    for _ in range(100):
        desk.clock.now += SECOND / 2
        with pytest.raises(BadRequest):
            desk.find(strike="1")
    assert desk.store.reads == 1 + 5


def test_a_clock_set_back_does_not_stop_the_rereading(desk: Desk) -> None:
    desk.find()
    desk.clock.now -= timedelta(hours=1)
    with pytest.raises(BadRequest):
        desk.find(strike="1")
    assert desk.store.reads == 2


def test_a_snapshot_a_day_old_is_reread(desk: Desk) -> None:
    desk.find()
    desk.clock.now += DAY - SECOND
    desk.find()
    assert desk.store.reads == 1
    desk.store.data = packed([*market(), future()], desk.clock.now)
    desk.clock.now += SECOND
    desk.find()
    desk.find()
    assert desk.store.reads == 2
    assert desk.symbols.describe("NSE") == Summary(
        NOW + DAY - SECOND, date(2026, 2, 6), 45, 42, 7, 0
    )


def test_an_old_snapshot_that_cannot_be_reread_still_serves(desk: Desk) -> None:
    desk.find()
    desk.store.down = True
    desk.clock.now += 4 * DAY
    assert desk.find().expiry == NEXT


def test_an_old_snapshot_that_was_deleted_still_serves(desk: Desk) -> None:
    desk.find()
    desk.store.data = None
    desk.clock.now += 4 * DAY
    assert desk.find().expiry == NEXT


def test_what_is_parsed_outlives_a_reread_of_the_same_snapshot(desk: Desk) -> None:
    found = desk.find()
    desk.clock.now += DAY
    assert desk.find() is found
    assert desk.store.reads == 2


def test_a_reread_takes_little_of_an_alerts_time(desk: Desk) -> None:
    desk.find()
    desk.clock.now += DAY
    desk.find()
    assert desk.store.waited == [FOREVER.left(), 0.5]


def test_an_old_snapshot_is_reread_at_most_every_ten_seconds(desk: Desk) -> None:
    desk.find()
    desk.clock.now += 2 * DAY
    for _ in range(10):
        desk.clock.now += SECOND
        desk.find()
    assert desk.store.reads == 2


@pytest.mark.parametrize("down", [True, False], ids=["store down", "same snapshot"])
def test_an_old_snapshot_cannot_tell_that_something_is_missing(
    desk: Desk, down: bool
) -> None:
    desk.find()
    desk.store.down = down
    desk.clock.now += 2 * DAY
    with pytest.raises(Unavailable, match="symbols of 2026-02-06, which could not"):
        desk.find(strike="26000")


def test_a_fresh_snapshot_cannot_tell_either_while_the_store_is_down(
    desk: Desk,
) -> None:
    desk.find()
    desk.store.down = True
    desk.clock.now += 11 * SECOND
    with pytest.raises(Unavailable):
        desk.find(strike="26000")
    desk.store.down = False
    desk.clock.now += 11 * SECOND
    with pytest.raises(BadRequest):
        desk.find(strike="26000")


def test_with_every_expiry_over_an_old_snapshot_is_503(desk: Desk) -> None:
    desk.find()
    desk.clock.now = datetime(2026, 2, 24, 15, 31, tzinfo=IST)
    with pytest.raises(Unavailable):
        desk.find()


@pytest.mark.parametrize("word", [ExpiryWord.WEEKLY, ExpiryWord.MONTHLY])
def test_listings_three_weeks_old_cannot_name_the_nearest_expiry(
    word: ExpiryWord,
) -> None:
    far = row(day=date(2026, 3, 30), monthly=True)
    desk = Desk(packed([*market(), far]))
    desk.find()
    desk.clock.now = datetime(2026, 2, 27, 23, 59, tzinfo=IST)
    assert desk.find(expiry=word).expiry == date(2026, 3, 30)
    desk.clock.now += 60 * SECOND
    with pytest.raises(Unavailable, match="22 days old"):
        desk.find(expiry=word)
    assert desk.find(expiry=date(2026, 3, 30)).expiry == date(2026, 3, 30)


def test_load_reads_and_says_what_is_there(desk: Desk) -> None:
    assert desk.symbols.describe("NSE") is None
    assert (
        desk.symbols.load("NSE", FOREVER)
        == summary(market())
        == desk.symbols.describe("NSE")
    )
    desk.symbols.load("NSE", FOREVER)
    assert desk.store.reads == 1


def test_load_without_a_snapshot_is_503() -> None:
    with pytest.raises(Unavailable):
        Desk(None).symbols.load("NSE", FOREVER)


class SlowStore(KeptBytes):
    """A store whose read lasts until it is let go."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.entered = threading.Event()
        self.go = threading.Event()

    def read(self, deadline: Deadline) -> bytes | None:
        self.entered.set()
        assert self.go.wait(5)
        return super().read(deadline)


def test_threads_that_come_together_share_one_read() -> None:
    desk = Desk(None)
    desk.store = slow = SlowStore(packed())
    desk.symbols = Symbols({"NSE": slow}, desk.clock)
    with ThreadPoolExecutor(8) as pool:
        patient = Deadline(5.0, lambda: 0.0)
        asked = [pool.submit(desk.find, deadline=patient) for _ in range(8)]
        slow.go.set()
        found = {future.result(5) for future in asked}
    assert (len(found), slow.reads) == (1, 1)


def test_nobody_waits_for_anothers_read_beyond_his_deadline() -> None:
    desk = Desk(None)
    desk.store = slow = SlowStore(packed())
    desk.symbols = Symbols({"NSE": slow}, desk.clock)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(desk.find)
        assert slow.entered.wait(5)
        with pytest.raises(Unavailable, match="still being read"):
            desk.find(deadline=Deadline(0.0, lambda: 0.0))
        slow.go.set()
        assert first.result(5).underlying == "NIFTY"


def test_with_a_snapshot_in_memory_nobody_waits_for_anothers_read() -> None:
    desk = Desk(None)
    desk.store = slow = SlowStore(packed())
    slow.go.set()
    desk.symbols = Symbols({"NSE": slow}, desk.clock)
    desk.find()
    desk.clock.now += DAY
    slow.go.clear()
    slow.entered.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(desk.find)
        assert slow.entered.wait(5)
        assert desk.find(deadline=Deadline(0.0, lambda: 0.0)).expiry == date(
            2026, 2, 10
        )
        slow.go.set()
        first.result(5)


class Lines:
    """A symbol source from memory; `broken` ends it early."""

    def __init__(self, lines: list[str], broken: bool = False) -> None:
        self._lines = lines
        self._broken = broken

    def lines(self) -> Iterator[str]:
        yield from self._lines
        if self._broken:
            raise SourceBroken("HTTP 500")


def renew(
    store: KeptBytes, lines: list[str], now: datetime = NOW, broken: bool = False
) -> Summary:
    return refresh(Lines(lines, broken), store, now, FOREVER, least_rows=1)


def test_refresh_stores_what_it_built() -> None:
    store = KeptBytes()
    assert renew(store, market()) == summary(market())
    assert store.data == packed()


def test_refresh_replaces_the_old_snapshot() -> None:
    store = KeptBytes(packed())
    renew(store, [*market(), row(day=MONTHLY, strike="1.0", monthly=True)])
    assert store.data != packed()


@pytest.mark.parametrize(
    ("lines", "broken", "why"),
    [
        pytest.param(market(), True, "HTTP 500", id="download broke at the end"),
        pytest.param([], True, "HTTP 500", id="download broke at once"),
        pytest.param([], False, "0 rows", id="empty"),
        pytest.param(["<html>"], False, "web page", id="web page"),
        pytest.param(market()[:10], False, "last had 44", id="far fewer rows"),
        pytest.param([*market(), row()[:50]], False, "cut off", id="cut"),
        pytest.param(
            [line.replace("2026-02-06", "2026-02-05") for line in market()],
            False,
            "dated",
            id="older",
        ),
    ],
)
def test_a_bad_master_never_replaces_a_good_snapshot(
    lines: list[str], broken: bool, why: str
) -> None:
    store = KeptBytes(packed())
    with pytest.raises(Unavailable, match=f"the old snapshot is kept: .*{why}"):
        renew(store, lines, broken=broken)
    assert (store.data, store.writes) == (packed(), 0)


def test_a_full_master_is_wanted_by_default() -> None:
    store = KeptBytes()
    with pytest.raises(Unavailable, match="fewer than the least 20000"):
        refresh(Lines(market()), store, NOW, FOREVER)


def test_a_store_that_is_down_is_said_to_be() -> None:
    store = KeptBytes(packed())
    store.down = True
    with pytest.raises(Unavailable, match="the store gave no usable answer"):
        renew(store, market())


def test_a_stored_snapshot_nobody_can_read_is_replaced() -> None:
    store = KeptBytes(b"no zip")
    renew(store, market()[:4])
    assert store.data == packed(market()[:4])


@pytest.mark.parametrize(
    ("lines", "now", "said"),
    [
        pytest.param(market(), NOW, [], id="in order"),
        pytest.param(market(), NOW + DAY, [], id="four days old"),
        pytest.param(
            market(),
            NOW + 2 * DAY,
            ["the NSE symbol master is dated 2026-02-06"],
            id="five days old",
        ),
        pytest.param(
            [*market(), "x" + row()[20:], market()[0]],
            NOW,
            ["the NSE symbol master has 1 broken rows"],
            id="a broken row",
        ),
        pytest.param(
            [row("SBIN", lot="0"), *market()],
            NOW,
            ["left out of NSE as odd: SBIN"],
            id="an odd underlying",
        ),
    ],
)
def test_an_odd_master_is_remarked_on(
    lines: list[str],
    now: datetime,
    said: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    renew(KeptBytes(), lines, now)
    assert [record.getMessage() for record in caplog.records] == said
