"""What the owner hears of a day, and what closes before FYERS squares off."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from shared.broker import NotTaken, Unreadable
from shared.models import Action, OrderStatus, Rejected, Severity
from shared.orders import Delivery
from shared.orders.journal import log_decision
from tests.usecase.guarded import clock
from tests.usecase.world import CONTRACT, TICKER, World, ticker

BUY, SELL = Action.BUY, Action.SELL
MINUTE = 60.0
AT = {"square_off_at": time(15, 10)}
EVERYTHING = {
    **AT,
    "sums_up": True,
    "expect_alert_by": time(10, 0),
}


def minutes(world: World, hour: int, minute: int) -> None:
    """Let reconcile run every minute until that time, inclusive."""
    end = (hour * 60 + minute) * MINUTE
    while (world.clock() + timedelta(hours=5, minutes=30)).hour * 3600 + (
        world.clock() + timedelta(hours=5, minutes=30)
    ).minute * 60 < end:
        world.reconcile(after=MINUTE)


def messages(world: World) -> list[str]:
    return [f"{n.event}: {n.message}" for n in world.inbox.notices]


# --- Square-off -----------------------------------------------------------------------


@pytest.fixture
def intraday(tmp_path: Path) -> World:
    """One INTRADAY short of Monday, guarded until 15:09."""
    world = World(tmp_path, AT)
    world.send()
    world.reconcile(after=MINUTE)
    clock(world, 15, 8)
    world.reconcile(after=MINUTE)
    return world


def test_intraday_is_closed_at_the_time_set_and_not_before(intraday: World) -> None:
    assert len(intraday.broker.placed) == 1
    clock(intraday, 15, 10)
    intraday.reconcile()
    (cover,) = intraday.broker.placed[1:]
    assert (cover.action, cover.qty) == (BUY, 65)
    assert intraday.broker.net(TICKER, "INTRADAY") == 0
    minutes(intraday, 15, 20)
    assert len(intraday.broker.placed) == 2
    assert intraday.told() == []


def test_it_tries_every_minute_until_it_is_flat(intraday: World) -> None:
    intraday.broker.results = [Rejected(-99, "no"), Rejected(-99, "no")]
    minutes(intraday, 15, 13)
    assert len(intraday.broker.placed) == 4
    assert intraday.broker.net(TICKER, "INTRADAY") == 0
    assert intraday.told() == ["order_rejected", "order_rejected"]


def test_what_is_open_at_fourteen_past_is_left_to_fyers_and_told_once(
    intraday: World,
) -> None:
    intraday.broker.failures["place"] = [NotTaken("full")] * 4
    minutes(intraday, 15, 13)
    intraday.told()
    minutes(intraday, 15, 20)
    (notice,) = [n for n in intraday.inbox.notices if n.event == "square_off_failed"]
    assert notice.severity is Severity.CRITICAL
    assert (notice.contract, notice.quantity) == (TICKER, 65)
    assert "could not be closed by 15:14" in notice.message
    assert len(intraday.broker.placed) == 1


def test_margin_is_never_squared_off(tmp_path: Path) -> None:
    world = World(tmp_path, AT)
    world.contract = replace(CONTRACT, expiry=date(2026, 12, 29))
    world.send(productType="MARGIN")
    clock(world, 15, 9)
    world.reconcile()
    minutes(world, 15, 14)
    assert len(world.broker.placed) == 1


def test_an_intraday_position_of_another_hand_is_not_ours_to_close(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, AT)
    world.broker.hold("NSE:STRANGER", "INTRADAY", -65)
    clock(world, 15, 9)
    world.reconcile()
    minutes(world, 15, 14)
    assert world.broker.placed == []


def test_a_long_is_squared_off_as_well(tmp_path: Path) -> None:
    world = World(tmp_path, AT)
    world.send("LONG")
    clock(world, 15, 9)
    world.reconcile()
    minutes(world, 15, 11)
    assert world.broker.net(TICKER, "INTRADAY") == 0


def test_a_day_without_a_market_squares_nothing_off(tmp_path: Path) -> None:
    world = World(tmp_path, AT)
    world.broker.is_open = False
    world.broker.fills = False
    world.send()
    world.broker.trade(world.broker.book[0].order_id)
    clock(world, 15, 9)
    world.reconcile()
    minutes(world, 15, 20)
    assert len(world.broker.placed) == 1
    assert "square_off_failed" not in world.told()


def test_paper_is_squared_off_on_paper(tmp_path: Path) -> None:
    world = World(tmp_path, AT, paper=True)
    world.send()
    clock(world, 15, 9)
    world.reconcile()
    minutes(world, 15, 11)
    turn = world.paper_broker.turn(1, world.deadline())
    assert [row.net_qty for row in world.paper_broker.positions(turn).rows] == [0]
    assert world.broker.placed == []


# --- No alert by then -----------------------------------------------------------------

EXPECT = {"expect_alert_by": time(10, 0)}


def test_no_alert_by_the_time_set_is_told_once_on_an_open_day(tmp_path: Path) -> None:
    world = World(tmp_path, EXPECT)
    world.reconcile()
    assert world.told() == []
    clock(world, 10, 0)
    world.reconcile()
    (notice,) = world.inbox.notices
    assert (notice.event, notice.severity) == ("no_alert_yet", Severity.WARNING)
    assert "no alert has come by 10:00 IST today" in notice.message
    world.told()
    minutes(world, 10, 30)
    assert world.told() == []


def test_an_alert_before_then_keeps_it_quiet(tmp_path: Path) -> None:
    world = World(tmp_path, EXPECT)
    world.send("BUY")
    world.told()
    clock(world, 10, 0)
    world.reconcile()
    assert world.told() == []


def test_an_alert_that_was_refused_has_come_too(tmp_path: Path) -> None:
    world = World(tmp_path, EXPECT)
    world.send(qty="{{n}}")
    world.told()
    clock(world, 10, 0)
    world.reconcile()
    assert world.told() == []


def test_a_closed_day_expects_no_alert(tmp_path: Path) -> None:
    world = World(tmp_path, EXPECT)
    world.broker.is_open = False
    clock(world, 10, 0)
    world.reconcile()
    minutes(world, 11, 0)
    assert world.told() == []
    assert world.broker.calls.count("market_open") == 13


def test_a_market_that_cannot_be_asked_is_asked_again(tmp_path: Path) -> None:
    world = World(tmp_path, EXPECT)
    world.broker.failures["market_open"] = [Unreadable("html")]
    clock(world, 10, 0)
    world.reconcile()
    assert world.told() == []
    minutes(world, 10, 6)
    assert world.told() == ["no_alert_yet"]


# --- The summary ----------------------------------------------------------------------

SUMMARY = {"sums_up": True}


def test_the_day_is_summed_up_in_one_line(tmp_path: Path) -> None:
    world = World(tmp_path, SUMMARY)
    world.send(key="a")
    world.reconcile(after=MINUTE)
    world.broker.prices[TICKER] = Decimal(80)
    world.send("BUY", key="b")
    world.reconcile(after=MINUTE)
    world.send("BUY", key="c")
    world.told()
    clock(world, 15, 50)
    world.reconcile()
    assert messages(world) == [
        "summary: the day: 1 entry and 1 close placed, 1 alert not placed, "
        "realized 1300 rupees before charges, no contracts open."
    ]
    assert world.inbox.notices[0].severity is Severity.INFO
    world.told()
    minutes(world, 16, 30)
    assert world.told() == []


def test_a_contract_traded_twice_is_summed_up_once(tmp_path: Path) -> None:
    world = World(tmp_path, SUMMARY)
    for n, price in enumerate((90, 120)):
        world.broker.prices[TICKER] = Decimal(100)
        world.send(key=f"a{n}")
        world.broker.prices[TICKER] = Decimal(price)
        world.send("BUY", key=f"b{n}")
        world.reconcile(after=MINUTE)
    today = world.store.of_day(world.clock().date(), world.deadline())
    rupees = [s.claim.story.rupees for s in today if s.claim.story]
    assert sorted(r for r in rupees if r is not None) == [65 * -20, 65 * 10]
    clock(world, 15, 50)
    world.reconcile()
    assert "realized -650 rupees" in messages(world)[-1]


def test_what_was_carried_and_closed_by_its_cover_has_its_rupees(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, SUMMARY)
    world.contract = replace(CONTRACT, expiry=date(2026, 12, 29))
    world.send(key="a", productType="MARGIN")
    world.reconcile(after=MINUTE)
    clock(world, 9, 30, days=1)
    world.broker.book.clear()
    world.broker.hold(TICKER, "MARGIN", -65)
    world.send("BUY", key="b", productType="MARGIN")
    world.reconcile(after=MINUTE)
    assert world.watched() == []
    first = world.store.of_day(CONTRACT.expiry, world.deadline())[0].claim
    assert first.story is not None
    assert first.story.filled == 65


def test_a_quiet_open_day_is_summed_up_too_and_a_holiday_is_not(tmp_path: Path) -> None:
    for is_open, heard in ((True, ["summary"]), (False, [])):
        world = World(tmp_path / str(is_open), SUMMARY)
        world.broker.is_open = is_open
        clock(world, 14, 50)
        minutes(world, 15, 55)
        assert world.told() == heard


def test_paper_is_summed_up_apart(tmp_path: Path) -> None:
    world = World(tmp_path, SUMMARY)
    world.send(key="a", paper=True)
    world.send("BUY", key="b", paper=True)
    world.reconcile(after=MINUTE)
    clock(world, 15, 20)
    minutes(world, 15, 50)
    (said,) = messages(world)
    assert "no entries and no closes placed" in said
    assert said.endswith("on PAPER 1 entry and 1 close.")


def test_the_days_that_traded_are_kept_as_sums_for_the_desk(tmp_path: Path) -> None:
    """Two weeks of them; the first run of a day sums up the one before."""
    world = World(tmp_path)

    def totals() -> list[tuple[date, Decimal]]:
        state, _ = world.kept.read(world.deadline())
        assert state is not None
        return [(one.day, one.rupees) for one in state.totals]

    for n in range(12):
        clock(world, 9, 30, days=n)
        world.broker.book.clear()
        world.contract = replace(
            CONTRACT, expiry=world.clock().date(), ticker=f"{TICKER}{n}"
        )
        world.broker.prices[world.contract.ticker] = Decimal(100)
        if n % 3 < 2:
            world.send(key=f"a{n}")
            world.broker.prices[world.contract.ticker] = Decimal(90 + n)
            world.send("BUY", key=f"b{n}")
        world.reconcile(after=MINUTE)
        world.reconcile(after=MINUTE)
    monday = CONTRACT.expiry
    traded = [n for n in range(11) if n % 3 < 2]
    assert totals() == [
        (monday + timedelta(days=n), Decimal(65 * (10 - n))) for n in traded
    ]


# --- Orders as they go ----------------------------------------------------------------


@pytest.fixture
def telling(tmp_path: Path) -> World:
    """NOTIFY_ORDERS=true."""
    return World(tmp_path, tells_orders=True)


def test_an_order_is_told_when_it_is_placed_and_when_it_has_filled(
    telling: World,
) -> None:
    telling.send()
    order_id = telling.broker.book[0].order_id
    telling.reconcile(after=MINUTE)
    telling.send("BUY", key="c")
    cover = telling.broker.book[-1].order_id
    telling.reconcile(after=MINUTE)
    sold, bought = f"SELL 65 {TICKER} INTRADAY", f"BUY 65 {TICKER} INTRADAY"
    assert messages(telling) == [
        f"order_placed: {sold}: placed as {order_id} at 100.00, stop 115.00, "
        "target 75.00",
        f"order_filled: {sold}: filled at 100.00, stop 115.00, target 75.00.",
        f"order_placed: {bought}: placed as {cover} at 100.00",
        f"order_filled: {bought}: filled at 100.00. Nothing is open now.",
    ]
    assert {notice.severity for notice in telling.inbox.notices} == {Severity.INFO}


def test_a_stop_that_trades_is_told(telling: World) -> None:
    telling.send()
    telling.reconcile(after=MINUTE)
    telling.told()
    stop, target = telling.legs()
    telling.broker.prices[TICKER] = Decimal(115)
    telling.broker.trade(stop.order_id)
    telling.broker.change(target.order_id, status=OrderStatus.CANCELLED)
    telling.reconcile(after=MINUTE)
    assert messages(telling) == [
        f"order_filled: BUY 65 {TICKER} INTRADAY: the stop filled at 115.00. "
        "Nothing is open now."
    ]


def test_a_placed_order_whose_notice_finds_no_time_is_told_as_filled(
    telling: World,
) -> None:
    telling.inbox.down = True
    telling.send()
    telling.inbox.down = False
    telling.reconcile(after=MINUTE)
    assert telling.told() == ["order_filled"]


def test_equal_alerts_are_told_once(world: World) -> None:
    for _ in range(5):
        world.send(key=None)
        world.wait(2)
    assert world.told() == ["equal_alert"]


# --- Alerts that are none -------------------------------------------------------------


def test_a_body_that_is_no_json_leaves_a_row_and_a_word(world: World) -> None:
    broken = b'{"token": "s3cret", "action": "SELL", "qty": }'
    answer = world.orders.handle(Delivery(broken, None, "r1", world.deadline()))
    assert answer.reply.status == 400
    (notice,) = world.inbox.notices
    assert notice.message == (
        "an alert that is no JSON was refused and no order was sent: the body is not "
        "valid JSON. Correct the alert in TradingView."
    )
    claim = world.claim()
    assert (claim.what, claim.reason) == (
        "an alert that is no JSON",
        "the body is not valid JSON",
    )


# --- The log --------------------------------------------------------------------------


def test_a_decision_is_one_line_with_its_fields(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "shared.orders.journal")
    answer = world.send()
    log_decision(answer, answer.what, 0.0341)
    log_decision(world.send(), answer.what, 0.002)
    refused = world.send(key="b", qty=66)
    log_decision(refused, refused.what, 0.003)
    paused = world.send("PAUSE", key="p")
    log_decision(paused, paused.what, 0.004)
    order_id = world.broker.book[0].order_id
    placed = (
        f"SELL 65 {TICKER} INTRADAY placed as {order_id} at 100.00, stop 115.00, "
        "target 75.00"
    )
    lines = [
        record for record in caplog.records if record.name == "shared.orders.journal"
    ]
    assert [record.getMessage() for record in lines] == [
        f"{placed}, 34 ms",
        f"{placed} (replayed), 2 ms",
        "SELL NIFTY 25800 CE WEEKLY refused, 400 bad_quantity: qty 66 is not a "
        f"multiple of the lot size 65 of {TICKER}, 3 ms",
        "PAUSE: entries are paused; resume them on the desk or with ./deploy.sh "
        "resume, 4 ms",
    ]
    assert lines[0].json_fields == {  # type: ignore[attr-defined]
        "order_id": order_id,
        "contract": TICKER,
        "status": 200,
        "ms": 34,
    }
    assert lines[2].json_fields["code"] == "bad_quantity"  # type: ignore[attr-defined]


def test_every_change_of_a_claim_is_one_line_with_its_fields(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "shared.idempotency.machine")
    world.send()
    lines = [r for r in caplog.records if r.name == "shared.idempotency.machine"]
    order = f"SELL 65 {TICKER} INTRADAY"
    assert [record.getMessage() for record in lines] == [
        f"{order}: CLAIMED → SENDING",
        f"{order}: SENDING → DONE",
    ]
    assert lines[1].json_fields == {  # type: ignore[attr-defined]
        "state": "DONE",
        "contract": TICKER,
        "order_id": world.broker.book[0].order_id,
        "alert": "r1",
    }


# --- Quiet ----------------------------------------------------------------------------


def ordinary_day(world: World) -> None:
    """Ten shorts with exits, each covered a while later, and reconcile all day."""
    strikes = range(25600, 26100, 50)
    for strike in strikes:
        world.broker.prices[ticker(strike)] = Decimal(100)
    clock(world, 9, 40)
    for strike in strikes:
        world.send(key=f"s{strike}", strikeprice=strike)
        for _ in range(3):
            world.reconcile(after=MINUTE)
        world.broker.prices[ticker(strike)] = Decimal(90)
        world.send("BUY", key=f"b{strike}", strikeprice=strike)
        for _ in range(3):
            world.reconcile(after=MINUTE)
    clock(world, 15, 5)
    minutes(world, 16, 0)


def test_an_ordinary_day_says_nothing_to_who_wants_to_hear_nothing(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, {**AT, "expect_alert_by": time(10, 0)})
    ordinary_day(world)
    assert messages(world) == []
    assert len(world.broker.placed) == 20


def test_an_ordinary_day_says_exactly_what_its_settings_say(tmp_path: Path) -> None:
    world = World(tmp_path, EVERYTHING, tells_orders=True)
    ordinary_day(world)
    a_trade = ["order_placed", "order_filled", "order_placed", "order_filled"]
    assert world.inbox.events == [*a_trade * 10, "summary"]
    assert world.inbox.notices[-1].message == (
        "the day: 10 entries and 10 closes placed, realized 6500 rupees before "
        "charges, no contracts open."
    )
