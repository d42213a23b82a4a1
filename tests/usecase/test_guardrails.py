"""What stops an entry and never a close; how places of the day come and go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from shared.adapters.documents import Write
from shared.broker import LoginEnded, NotTaken, Unreadable
from shared.guardrails import Limits
from shared.idempotency import Claimed, Released, StoredAt
from shared.models import Action, Contract, Order, OrderStatus, Rejected, Unclear
from shared.orders import Answer, preparing
from shared.orders.market import exposure_of
from tests.contract.claims_made import standing
from tests.usecase.world import CONTRACT, TICKER, World, body, code, ticker

BUY, SELL = Action.BUY, Action.SELL
DAY = 86400.0
TWO_MINUTES = 120.0

LATE_WINDOW = Limits(window=(time(10), time(15, 10)))


def fill(world: World, count: int) -> None:
    """Place that many entries."""
    for n in range(count):
        assert world.send(key=f"entry {n}").reply.status == 200


def lose(world: World) -> None:
    """Sell at 100 and cover at 120: a loss of 1,300 rupees."""
    world.send(key="loser")
    world.broker.prices[TICKER] = Decimal(120)
    world.send("BUY", key="cover")
    world.wait(60)
    world.reconcile()


# --- Each rule ------------------------------------------------------------------------

PAUSE = "pause"
WINDOW = "ENTRY_WINDOW"
ENTRIES = "MAX_ENTRIES_PER_DAY"
LOTS = "MAX_OPEN_LOTS"
LOSS = "MAX_DAILY_LOSS"

RULES: dict[str, tuple[Limits, Callable[[World], object], str]] = {
    PAUSE: (
        Limits(),
        lambda world: world.send("PAUSE", key="p"),
        "entries are paused since 09:30 IST (by an alert)",
    ),
    WINDOW: (
        LATE_WINDOW,
        lambda world: None,
        "it is 09:30 IST, outside ENTRY_WINDOW 10:00-15:10",
    ),
    ENTRIES: (
        Limits(entries_per_day=2),
        lambda world: fill(world, 2),
        "2 of 2 entries of the day are used (MAX_ENTRIES_PER_DAY)",
    ),
    LOTS: (
        Limits(open_lots=2),
        lambda world: fill(world, 2),
        "2 of 2 lots are open or on their way, and this entry would add 1 "
        "(MAX_OPEN_LOTS)",
    ),
    LOSS: (
        Limits(daily_loss=Decimal(1300)),
        lose,
        "the day's loss of 1300 rupees reached MAX_DAILY_LOSS of 1300",
    ),
}


@pytest.fixture(params=list(RULES))
def stopped(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A world in which a guardrail stops the next entry."""
    limits, prepare, _ = RULES[request.param]
    world = World(tmp_path, limits=limits)
    prepare(world)
    world.told()
    world.broker.placed.clear()
    return world


@pytest.mark.parametrize("rule", list(RULES))
def test_a_guardrail_refuses_an_entry_by_rule_limit_and_count(
    tmp_path: Path, rule: str
) -> None:
    limits, prepare, words = RULES[rule]
    world = World(tmp_path, limits=limits)
    prepare(world)
    world.told()
    world.broker.placed.clear()
    answer = world.send(key="one more")
    assert code(answer) == (400, "paused" if rule == PAUSE else "guardrail")
    assert words in body(answer)["error"]
    assert world.broker.placed == []
    (notice,) = world.inbox.notices
    assert words in notice.message
    assert "no order was sent" in notice.message


@pytest.mark.parametrize("verb", ["SELL", "LONG"])
def test_a_guardrail_stops_either_kind_of_entry(stopped: World, verb: str) -> None:
    answer = stopped.send(verb, key="one more", strikeprice=25900)
    stopped.broker.prices[ticker(25900)] = Decimal(50)
    answer = stopped.send(verb, key="another", strikeprice=25900)
    assert answer.reply.status == 400
    assert stopped.broker.placed == []


def test_a_rule_that_refuses_is_told_once_a_day_over_all_instances(
    stopped: World,
) -> None:
    stopped.send(key="first")
    stopped.send(key="second")
    stopped.send(key="third", orders=stopped.instance())
    assert len(stopped.told()) == 1


def test_the_journal_says_why_an_entry_was_refused(stopped: World) -> None:
    stopped.send(key="first")
    today = stopped.clock().date()
    claim = stopped.store.of_day(today, stopped.deadline())[-1].claim
    assert not standing(claim, Released).at.retry
    assert claim.what == "SELL NIFTY 25800 CE WEEKLY"
    assert claim.reason


def test_the_next_day_is_told_anew(tmp_path: Path) -> None:
    world = World(tmp_path, limits=LATE_WINDOW)
    world.send(key="a")
    world.wait(DAY)
    world.send(key="b")
    assert world.told() == ["guardrail", "guardrail"]


def test_each_rule_is_told_by_itself(tmp_path: Path) -> None:
    world = World(tmp_path, limits=LATE_WINDOW)
    world.send(key="a")
    world.restart(Limits(entries_per_day=1))
    world.send(key="b")
    world.send(key="c")
    assert world.told() == ["guardrail", "guardrail"]


@pytest.mark.parametrize(
    ("at", "status"),
    [((9, 59, 59), 400), ((10, 0, 0), 200), ((15, 9, 59), 200), ((15, 10, 0), 400)],
)
def test_the_window_begins_with_its_first_second_and_ends_before_its_last(
    tmp_path: Path, at: tuple[int, int, int], status: int
) -> None:
    world = World(tmp_path, limits=LATE_WINDOW)
    hours, minutes, seconds = at
    world.wait((hours - 9) * 3600 + (minutes - 30) * 60 + seconds)
    assert world.send().reply.status == status


def test_a_day_that_lost_enough_stays_closed_though_the_loss_is_won_back(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, limits=Limits(daily_loss=Decimal(1300)))
    world.send(key="short")
    world.broker.prices[TICKER] = Decimal(120)
    world.broker.prices[ticker(25900)] = Decimal(50)
    assert code(world.send(key="b", strikeprice=25900)) == (400, "guardrail")
    world.broker.prices[TICKER] = Decimal(90)
    assert code(world.send(key="c", strikeprice=25900)) == (400, "guardrail")
    world.wait(DAY)
    world.contract = later()
    assert world.send(key="d").reply.status == 200


def test_a_loss_limit_that_is_turned_off_stops_nothing(tmp_path: Path) -> None:
    world = World(tmp_path, limits=Limits(daily_loss=Decimal(1300)))
    lose(world)
    world.send(key="refused")
    world.restart(Limits())
    assert world.send(key="b").reply.status == 200


# --- Never a close --------------------------------------------------------------------

TIGHT = Limits(
    open_lots=1,
    entries_per_day=1,
    daily_loss=Decimal(1),
    window=(time(0), time(0, 1)),
)

RAILS: dict[str, tuple[Limits, bool]] = {
    PAUSE: (Limits(), True),
    WINDOW: (Limits(window=TIGHT.window), False),
    ENTRIES: (Limits(entries_per_day=1), False),
    LOTS: (Limits(open_lots=1), False),
    LOSS: (Limits(daily_loss=Decimal(1)), False),
    "all": (TIGHT, True),
}

CLOSES: dict[str, tuple[str, Callable[[World], Answer]]] = {
    "BUY": ("SELL", lambda world: world.send("BUY", key="c")),
    "part of it": ("SELL", lambda world: world.send("BUY", key="c", qty=65)),
    "relative BUY": (
        "SELL",
        lambda world: world.send("BUY", key="c", strikeprice="ATM"),
    ),
    "EXIT of a short": ("SELL", lambda world: world.send("EXIT", key="c")),
    "EXIT of a long": ("LONG", lambda world: world.send("EXIT", key="c")),
    "EXIT of all": ("SELL", lambda world: world.exit()),
    "EXIT of the symbol": ("LONG", lambda world: world.exit("NIFTY")),
    "SELL of a long": ("LONG", lambda world: world.send("SELL", key="c", qty=130)),
}


def close(folder: Path, how: str, rail: str = "") -> tuple[Answer, list[Order], World]:
    """Open two lots, let the rail come down, close them; return what happened."""
    opens, act = CLOSES[how]
    world = World(folder, limits=Limits(entries_per_day=1))
    world.broker.prices[ticker(25900)] = Decimal(50)
    assert world.send(opens, key="open", lots=2).reply.status == 200
    world.broker.prices[TICKER] = Decimal(110 if opens == "SELL" else 90)
    if rail:
        limits, paused = RAILS[rail]
        world.restart(limits)
        if paused:
            world.send("PAUSE", key="p")
        refused = code(world.send(key="no", strikeprice=25900))
        assert refused in ((400, "guardrail"), (400, "paused"))
    world.broker.calls.clear()
    return act(world), world.broker.placed[1:], world


@pytest.mark.parametrize("how", list(CLOSES))
def test_no_guardrail_refuses_delays_or_shrinks_a_close(
    tmp_path: Path, how: str
) -> None:
    free, wanted, freely = close(tmp_path / "free", how)
    assert free.reply.status == 200
    for rail in RAILS:
        answer, placed, world = close(tmp_path / rail, how, rail)
        assert answer.reply.status == 200, rail
        assert [replace(order, tag="") for order in placed] == [
            replace(order, tag="") for order in wanted
        ], rail
        assert world.broker.calls == freely.broker.calls, rail
        assert world.at - world.began == freely.at - freely.began, rail


def test_a_sell_that_closes_a_long_uses_no_place(tmp_path: Path) -> None:
    world = World(tmp_path, limits=Limits(entries_per_day=2))
    world.send("LONG", key="a")
    assert world.send("SELL", key="b").reply.status == 200
    assert len(world.control().places) == 1
    assert world.send("SELL", key="c").reply.status == 200


def test_a_store_that_is_silent_on_the_entries_refuses_them_with_503(
    world: World,
) -> None:
    world.restart(Limits(entries_per_day=5))
    world.broker.hold(TICKER, "INTRADAY", -65)
    damaged = Write("control", "entries", {"places": 5}, None)
    world.store.documents.commit([damaged], world.deadline())
    assert world.send(key="a").reply.status == 503
    assert world.send("BUY", key="b").reply.status == 200


# --- Places of the day ----------------------------------------------------------------


@pytest.fixture
def two(tmp_path: Path) -> World:
    """A world with two entries a day."""
    return World(tmp_path, limits=Limits(entries_per_day=2))


@pytest.fixture
def one_lot(tmp_path: Path) -> World:
    """A world with one open lot at most."""
    return World(tmp_path, limits=Limits(open_lots=1))


def used(world: World) -> int:
    return len(world.control().places)


def test_a_resend_of_what_died_takes_no_second_place(two: World) -> None:
    two.dies("positions", "SELL")
    two.wait(5)
    assert two.send(key="dead").reply.status == 200
    assert used(two) == 1


def test_equal_alerts_through_the_day_each_take_a_place(two: World) -> None:
    """Without a key they have one claim id: it is not what a place is known by."""
    for n in range(3):
        answer = two.send(key=None)
        assert answer.reply.status == (200 if n < 2 else 400)
        two.send("BUY", key=f"cover {n}")
        two.reconcile(after=60)
    assert len([o for o in two.broker.placed if o.action is SELL]) == 2


def test_equal_alerts_are_each_counted_among_the_open_lots_once(tmp_path: Path) -> None:
    world = World(tmp_path, limits=Limits(open_lots=3))
    for n in range(4):
        answer = world.send(key=None)
        assert answer.reply.status == (200 if n < 3 else 400), n
        world.wait(30)


NOT_SENT: dict[str, Callable[[World], object]] = {
    "no quote": lambda w: w.broker.failures.update(quote=[Unreadable("html")]),
    "no turn": lambda w: w.broker.failures.update(turn=[NotTaken("full")]),
    "not taken": lambda w: w.broker.failures.update(place=[NotTaken("refused")]),
    "no login at the order": lambda w: w.broker.failures.update(
        place=[LoginEnded("401")]
    ),
    "no price": lambda w: w.broker.prices.clear(),
    "SENDING lost": lambda w: w.store.lost.update(sending=["before"]),
    "a bug": lambda w: w.broker.failures.update(positions=[ZeroDivisionError()]),
}


@pytest.mark.parametrize("why", list(NOT_SENT))
def test_the_place_of_an_entry_that_is_not_sent_is_given_back(
    two: World, why: str
) -> None:
    NOT_SENT[why](two)
    answer = two.send(key="a")
    assert answer.reply.status in (400, 424, 503)
    assert used(two) == 0


@pytest.mark.parametrize(
    "result", [Rejected(-50, "RED:Margin Shortfall"), Unclear("no answer")]
)
def test_a_refusal_by_fyers_and_an_unknown_outcome_keep_their_place(
    two: World, result: Rejected | Unclear
) -> None:
    two.broker.unknown_arrives = False
    two.broker.results = [result]
    two.send(key="a")
    assert used(two) == 1
    for _ in range(4):
        two.reconcile(after=60)
    assert used(two) == 1
    assert two.control().places[0].sent


def test_a_place_whose_delivery_died_is_free_after_two_minutes(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, limits=Limits(entries_per_day=1))
    world.dies("positions", "SELL")
    world.wait(TWO_MINUTES - 1)
    assert code(world.send(key="b")) == (400, "guardrail")
    world.wait(1)
    assert world.send(key="c").reply.status == 200


def test_reconcile_frees_what_died_too(two: World) -> None:
    two.dies("positions", "SELL")
    two.reconcile(after=60)
    assert used(two) == 1
    two.reconcile(after=60)
    assert used(two) == 0


def test_what_died_with_its_order_under_way_keeps_its_place(two: World) -> None:
    two.dies("place", "SELL")
    for _ in range(4):
        two.reconcile(after=60)
    assert used(two) == 1


@pytest.mark.parametrize("call", ["turn", "quote", "positions", "place"])
def test_no_death_lets_a_second_order_through(tmp_path: Path, call: str) -> None:
    world = World(tmp_path, limits=Limits(entries_per_day=1, open_lots=1))
    world.dies(call, "SELL")
    for n in range(4):
        world.wait(40)
        world.reconcile()
        world.send(key=f"after {n}")
    assert len(world.broker.placed) <= 1
    assert (len(world.broker.placed) == 1) is (call != "place")


def test_a_day_begins_with_all_its_places(two: World) -> None:
    fill(two, 2)
    two.wait(DAY)
    two.contract = later()
    two.broker.book.clear()
    assert two.send(key="tomorrow").reply.status == 200


def test_what_another_instance_took_is_never_written_over(world: World) -> None:
    world.restart(Limits(entries_per_day=5))
    other = world.instance()
    for n, orders in enumerate((world.orders, other, world.orders, other)):
        assert world.send(key=f"k{n}", orders=orders).reply.status == 200
    assert used(world) == 4


# --- Pause ----------------------------------------------------------------------------


def test_a_pause_is_seen_by_an_instance_that_remembers_none(two: World) -> None:
    assert two.send(key="a").reply.status == 200
    two.instance_entries().pause("on the desk", two.deadline())
    assert code(two.send(key="b")) == (400, "paused")


def test_a_pause_one_instance_remembers_does_not_outlive_a_resume_elsewhere(
    two: World,
) -> None:
    two.send("PAUSE", key="p")
    assert code(two.send(key="a")) == (400, "paused")
    two.instance_entries().resume(two.deadline())
    assert two.send(key="b").reply.status == 200


def test_a_pause_lasts_over_the_night(world: World) -> None:
    world.send("PAUSE", key="p")
    world.wait(DAY)
    world.contract = later()
    assert code(world.send(key="a")) == (400, "paused")


def test_the_reply_to_a_pause_names_the_entries_on_their_way(two: World) -> None:
    two.dies("positions", "SELL")
    two.wait(1)
    answer = two.send("PAUSE", key="p")
    assert answer.reply.status == 200
    assert "already on its way: NIFTY 25800 CE" in body(answer)["message"]


def test_the_reply_to_a_pause_names_nothing_old(two: World) -> None:
    two.send(key="a")
    two.wait(11)
    assert "on its way" not in body(two.send("PAUSE", key="p"))["message"]


def test_a_pause_by_an_alert_reaches_the_owner(two: World) -> None:
    """Nobody reads the reply that TradingView gets."""
    two.dies("positions", "SELL")
    two.send("PAUSE", key="p")
    (notice,) = two.inbox.notices
    assert notice.event == "entries_paused"
    assert "resume" in notice.message
    assert "NIFTY 25800 CE" in notice.message


@pytest.mark.parametrize(
    ("key", "stored", "told"),
    [
        ("desk:1", "by the owner", "you asked for it"),
        ("deploy:1", "by the owner", "you asked for it"),
        ("p", "by an alert", "an alert asked for it"),
        (None, "by an alert", "an alert asked for it"),
    ],
)
def test_a_pause_says_whether_the_owner_or_an_alert_asked_for_it(
    world: World, key: str | None, stored: str, told: str
) -> None:
    world.send("PAUSE", key=key)
    paused = world.control().paused
    assert paused is not None
    assert paused.reason == stored
    assert world.inbox.notices[0].message.startswith(f"{told}: entries are paused")


def test_a_pause_sent_again_is_answered_as_before_and_told_once(world: World) -> None:
    first = world.send("PAUSE", key="p")
    assert world.send("PAUSE", key="p").reply == first.reply
    assert world.told() == ["entries_paused"]


# --- Open lots ------------------------------------------------------------------------


def later() -> Contract:
    return replace(
        CONTRACT,
        expiry=date(2026, 12, 29),
        expires_at=CONTRACT.expires_at + timedelta(days=36),
    )


def fills(world: World) -> None:
    world.send(key="open")


def rests(world: World) -> None:
    world.broker.fills = False
    world.send(key="open")
    world.wait(300)


def lags(world: World) -> None:
    world.broker.lags = True
    world.send(key="open")


def unknown(world: World) -> None:
    world.broker.results = [Unclear("no answer")]
    world.send(key="open")
    world.wait(300)


def carried(world: World) -> None:
    world.contract = later()
    world.send(key="open", productType="MARGIN")
    world.wait(DAY)
    world.broker.book.clear()
    world.broker.hold(TICKER, "MARGIN", -65)


def old_long(world: World) -> None:
    world.broker.prices[ticker(25900)] = Decimal(50)
    world.send("LONG", key="open", strikeprice=25900)


OPEN = [fills, rests, lags, unknown, carried, old_long]


@pytest.mark.parametrize("opened", OPEN)
def test_what_is_open_or_may_open_is_counted(
    one_lot: World, opened: Callable[[World], None]
) -> None:
    opened(one_lot)
    answer = one_lot.send(key="more")
    assert code(answer) == (400, "guardrail")
    assert "1 of 1 lots are open" in body(answer)["error"]


@pytest.mark.parametrize("opened", OPEN)
def test_what_is_open_is_counted_once(
    tmp_path: Path, opened: Callable[[World], None]
) -> None:
    world = World(tmp_path, limits=Limits(open_lots=2))
    opened(world)
    assert world.send(key="more").reply.status == 200


def test_lots_are_counted_in_lots_not_in_orders(tmp_path: Path) -> None:
    world = World(tmp_path, limits=Limits(open_lots=3))
    world.send(key="a", lots=2)
    answer = world.send(key="b", lots=2)
    assert (
        "2 of 3 lots are open or on their way, and this entry would add 2"
        in (body(answer)["error"])
    )
    assert world.send(key="c").reply.status == 200


def test_what_another_hand_holds_elsewhere_is_not_counted(one_lot: World) -> None:
    one_lot.broker.hold("NSE:OTHER", "INTRADAY", -650)
    assert one_lot.send(key="a").reply.status == 200


def test_a_close_makes_room(one_lot: World) -> None:
    fills(one_lot)
    one_lot.send("BUY", key="cover")
    one_lot.reconcile(after=TWO_MINUTES)
    assert one_lot.send(key="next").reply.status == 200


def test_an_exit_that_trades_makes_room(one_lot: World) -> None:
    fills(one_lot)
    stop, target = one_lot.legs()
    one_lot.broker.trade(stop.order_id)
    one_lot.broker.change(target.order_id, status=OrderStatus.CANCELLED)
    one_lot.reconcile(after=TWO_MINUTES)
    assert one_lot.send(key="next").reply.status == 200


def test_trades_of_the_morning_hide_no_entry_that_rests(one_lot: World) -> None:
    """What was sold and bought back says nothing of the entry sent since."""
    fills(one_lot)
    one_lot.send("BUY", key="cover")
    one_lot.reconcile(after=TWO_MINUTES)
    one_lot.broker.fills = False
    assert one_lot.send(key="resting").reply.status == 200
    one_lot.wait(30)
    assert code(one_lot.send(key="more")) == (400, "guardrail")


def test_an_entry_that_never_reached_fyers_holds_no_lot(one_lot: World) -> None:
    one_lot.broker.unknown_arrives = False
    one_lot.broker.results = [Unclear("no answer")]
    one_lot.send(key="lost")
    for _ in range(3):
        one_lot.reconcile(after=60)
    assert one_lot.send(key="next").reply.status == 200


def test_an_entry_that_fyers_refuses_afterwards_holds_no_lot(tmp_path: Path) -> None:
    world = World(tmp_path, limits=Limits(open_lots=2))
    world.send(key="open")
    world.broker.fills = False
    world.send(key="refused")
    world.broker.change(world.broker.book[-1].order_id, status=OrderStatus.REJECTED)
    world.broker.fills = True
    for _ in range(3):
        world.reconcile(after=60)
    assert world.told() == ["order_rejected"]
    assert world.send(key="next").reply.status == 200


# --- Paper and real -------------------------------------------------------------------


def test_paper_entries_use_no_place_of_a_real_one(tmp_path: Path) -> None:
    limits = Limits(entries_per_day=1, open_lots=1)
    world = World(tmp_path, limits=limits)
    assert world.send(key="paper", paper=True).reply.status == 200
    assert world.send(key="real", strikeprice=25800).reply.status == 200
    assert code(world.send(key="paper 2", paper=True)) == (400, "guardrail")
    assert code(world.send(key="real 2")) == (400, "guardrail")


def test_a_loss_on_paper_stops_no_real_entry(tmp_path: Path) -> None:
    world = World(tmp_path, limits=Limits(daily_loss=Decimal(1300)))
    world.send(key="a", paper=True)
    world.broker.prices[TICKER] = Decimal(120)
    world.send("BUY", key="b", paper=True)
    assert code(world.send(key="c", paper=True)) == (400, "guardrail")
    assert world.send(key="d").reply.status == 200


def test_a_pause_stops_paper_entries_too(world: World) -> None:
    world.send("PAUSE", key="p")
    assert code(world.send(key="a", paper=True)) == (400, "paused")


@pytest.mark.parametrize("rail", list(RAILS))
def test_a_machine_that_asks_the_guardrails_for_a_close_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rail: str
) -> None:
    honest = preparing.Preparing._close

    def asking(
        way: preparing.Preparing,
        stored: StoredAt[Claimed],
        contract: Contract,
        side: Action | None,
    ) -> preparing.Ready:
        control, own = way._place(stored, way._deadline)
        parts = way._parts
        ledger = parts.claims.ledger(None, way._deadline)
        positions = parts.broker.positions(parts.broker.turn(1, way._deadline))
        parts.entries.judge(control, own, exposure_of(ledger, positions))
        return honest(way, stored, contract, side)

    monkeypatch.setattr(preparing.Preparing, "_close", asking)
    answer, placed, _ = close(tmp_path, "BUY", rail)
    assert (answer.reply.status, placed) == (400, [])
