"""PAPER: the whole way but the order, and never a real order for a paper position."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from pathlib import Path

import pytest

from shared.broker import NotTaken
from shared.idempotency import Claim
from shared.models import PAPER, Action, Position
from shared.orders import Answer
from tests.usecase.world import TICKER, World, body, code, ticker

BUY, SELL = Action.BUY, Action.SELL


@pytest.fixture
def paper(tmp_path: Path) -> World:
    """PAPER=true."""
    return World(tmp_path, paper=True)


def held(world: World, name: str = TICKER) -> int:
    """Return what is open on paper, contracts, signed."""
    turn = world.paper_broker.turn(1, world.deadline())
    rows: tuple[Position, ...] = world.paper_broker.positions(turn).rows
    return sum(row.net_qty for row in rows if row.ticker == PAPER + name)


def day(world: World) -> list[Claim]:
    today = world.clock().date()
    return [stored.claim for stored in world.store.of_day(today, world.deadline())]


# --- Entries --------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["SELL", "LONG"])
def test_every_entry_is_on_paper_and_none_at_fyers(paper: World, verb: str) -> None:
    answer = paper.send(verb)
    said = body(answer)
    assert answer.reply.status == 200
    assert said["message"] == "PAPER order placed"
    assert said["paper"] is True
    assert said["order_id"].startswith("PAPER-")
    assert said["symbol"] == TICKER
    assert paper.broker.placed == []
    assert held(paper) == (-65 if verb == "SELL" else 65)


def test_one_alert_may_be_on_paper_by_itself(world: World) -> None:
    assert body(world.send(paper=True))["paper"] is True
    assert "paper" not in body(world.send(key="k2"))
    assert len(world.broker.placed) == 1
    assert held(world) == -65


def test_a_paper_alert_sent_again_is_answered_as_before(paper: World) -> None:
    first = paper.send()
    assert paper.send().reply == first.reply
    assert held(paper) == -65


def test_a_paper_entry_is_checked_as_a_real_one_is(paper: World) -> None:
    assert code(paper.send(qty=66)) == (400, "bad_quantity")
    assert code(paper.send(key="k2", symbol="NIFTEE")) == (400, "unknown_symbol")
    paper.broker.prices.clear()
    assert code(paper.send(key="k3")) == (400, "ltp_unavailable")


# --- Closes ---------------------------------------------------------------------------


def test_a_close_of_everything_reaches_paper_too(paper: World) -> None:
    paper.broker.prices[ticker(25900)] = Decimal(50)
    paper.send()
    paper.send(key="k2", strikeprice=25900)
    answer = paper.exit()
    assert answer.reply.status == 200
    assert [order["paper"] for order in body(answer)["orders"]] == [True, True]
    assert (held(paper), held(paper, ticker(25900))) == (0, 0)


@pytest.mark.parametrize("verb", ["BUY", "EXIT"])
def test_a_real_position_is_closed_by_a_real_order_though_entries_are_on_paper(
    world: World, verb: str
) -> None:
    world.send()
    world.restart(paper=True)
    answer = world.send(verb, key="c")
    assert answer.reply.status == 200
    assert "paper" not in body(answer)
    assert world.broker.net(TICKER, "INTRADAY") == 0


def test_what_is_open_in_both_is_closed_in_both(world: World) -> None:
    world.send()
    world.restart(paper=True)
    world.send(key="k2")
    answer = world.send("BUY", key="c")
    assert "paper" not in body(answer)
    assert world.broker.net(TICKER, "INTRADAY") == 0
    assert held(world) == 0
    assert world.told() == []


def test_a_paper_close_acts_on_paper_only(world: World) -> None:
    world.send()
    world.send(key="k2", paper=True)
    assert body(world.send("BUY", key="c", paper=True))["paper"] is True
    assert held(world) == 0
    assert world.broker.net(TICKER, "INTRADAY") == -65
    assert code(world.send("BUY", key="c2", paper=True)) == (400, "no_short_position")
    assert world.broker.net(TICKER, "INTRADAY") == -65


def test_a_close_of_nothing_is_told_once(paper: World) -> None:
    paper.send()
    paper.send("BUY", key="c")
    assert code(paper.send("BUY", key="c2")) == (400, "no_short_position")
    assert paper.told() == ["no_short_position"]


def test_an_owner_who_never_used_paper_has_one_row_for_a_refused_close(
    world: World,
) -> None:
    world.send("BUY")
    assert [claim.what for claim in day(world)] == ["BUY NIFTY 25800 CE WEEKLY"]


def test_an_equal_close_later_in_the_day_closes_the_next_paper_position(
    paper: World,
) -> None:
    for n in range(3):
        paper.send(key=f"open {n}")
        assert paper.send("BUY", key=None).reply.status == 200
        assert held(paper) == 0, n
        paper.reconcile(after=60)


# --- One alert, one row ---------------------------------------------------------------


def rows(world: World) -> list[tuple[str, str, bool]]:
    """Return the day's journal: what came, how it ended, whether on paper."""
    return [(claim.what, claim.state, claim.on_paper) for claim in day(world)]


OPENED = ("SELL NIFTY 25800 CE WEEKLY", "DONE", True)


@pytest.mark.parametrize("every_entry", [False, True])
@pytest.mark.parametrize("key", ["c", None])
@pytest.mark.parametrize("verb", ["BUY", "EXIT"])
def test_a_close_that_reaches_the_paper_position_is_one_row(
    tmp_path: Path, verb: str, key: str | None, every_entry: bool
) -> None:
    world = World(tmp_path, paper=every_entry)
    world.send(paper=True)
    answer = world.send(verb, key=key)
    assert (answer.reply.status, body(answer)["paper"]) == (200, True)
    assert world.broker.placed == []
    assert rows(world) == [OPENED, (f"{verb} NIFTY 25800 CE WEEKLY", "DONE", True)]
    assert held(world) == 0
    assert world.told() == []


@pytest.mark.parametrize("every_entry", [False, True])
def test_a_close_of_nothing_beside_a_paper_position_is_one_row_in_its_own_words(
    tmp_path: Path, every_entry: bool
) -> None:
    world = World(tmp_path, paper=every_entry)
    world.broker.prices[ticker(25900)] = Decimal(50)
    world.send(paper=True)
    answer = world.send("BUY", key="c", strikeprice=25900)
    assert code(answer) == (400, "no_short_position")
    reason = f"there is no open short of {ticker(25900)} to close"
    assert body(answer)["error"] == reason
    assert rows(world)[1:] == [("BUY NIFTY 25900 CE WEEKLY", "RELEASED", False)]
    assert day(world)[1].reason == reason
    assert [n.message for n in world.inbox.notices] == [
        f"BUY NIFTY 25900 CE WEEKLY: no order was sent: {reason}"
    ]


def test_a_real_close_beside_another_paper_position_is_one_row(world: World) -> None:
    world.broker.prices[ticker(25900)] = Decimal(50)
    world.send(key="real")
    world.restart(paper=True)
    world.send(key="paper", strikeprice=25900)
    for n, (verb, status) in enumerate([("BUY", 200), ("BUY", 400)]):
        assert world.send(verb, key=f"c{n}").reply.status == status
    assert len(rows(world)) == 4
    assert held(world, ticker(25900)) == -65


def test_a_buy_of_a_real_short_leaves_a_paper_long_in_peace(world: World) -> None:
    world.send("LONG", key="paper", paper=True)
    world.broker.hold(TICKER, "INTRADAY", -65)
    world.restart(paper=True)
    assert "paper" not in body(world.send("BUY", key="c"))
    assert len(rows(world)) == 2
    assert held(world) == 65


def test_a_real_position_that_is_not_clear_is_told_though_paper_is_open(
    world: World,
) -> None:
    world.send(paper=True)
    world.broker.hold(TICKER, "INTRADAY", -65)
    world.broker.hold(TICKER, "MARGIN", -65)
    assert code(world.send("BUY", key="c")) == (400, "ambiguous_position")
    assert held(world) == -65
    assert world.told() == ["ambiguous_position"]


def test_an_exit_of_all_that_reaches_paper_has_a_row_for_itself_and_each_close(
    paper: World,
) -> None:
    paper.send()
    paper.exit()
    assert rows(paper) == [
        OPENED,
        ("EXIT ALL", "DONE", False),
        ("EXIT NIFTY 25800 CE 2026-11-23", "DONE", True),
    ]


@pytest.mark.parametrize("how", ["BUY", "relative", "all"])
def test_a_resend_of_a_close_that_paper_could_not_take_goes_on_to_paper(
    world: World, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """What the first delivery chose on paper is never looked for at FYERS."""
    world.send(paper=True)

    def deliver() -> Answer:
        if how == "all":
            return world.exit(key="c")
        strike = "ATM" if how == "relative" else 25800
        return world.send("BUY", key="c", strikeprice=strike)

    honest = type(world.paper_broker).place

    def shut(*_: object) -> None:
        raise NotTaken("shut")

    monkeypatch.setattr(type(world.paper_broker), "place", shut)
    assert deliver().reply.status == 503
    monkeypatch.setattr(type(world.paper_broker), "place", honest)
    world.wait(5)
    assert deliver().reply.status == 200
    assert (held(world), world.broker.placed) == (0, [])
    assert len(rows(world)) == (3 if how == "all" else 2)


@pytest.mark.parametrize("how", ["BUY", "all"])
def test_a_delivery_that_died_on_its_way_to_paper_is_repeated_by_its_resend(
    world: World, how: str
) -> None:
    world.send(paper=True)

    def act() -> Answer:
        return world.exit() if how == "all" else world.send("BUY", key="x")

    reads: list[str] = []

    def die(call: str) -> None:
        reads.append(call)
        if call == "quote" and "positions" in reads:
            raise SystemExit

    world.broker.before = die
    with contextlib.suppress(SystemExit):
        act()
    world.broker.before = None
    assert held(world) == -65
    world.wait(5)
    assert act().reply.status == 200
    assert held(world) == 0
    assert world.told() == []


def test_a_real_close_finds_its_lane_free_after_one_that_went_on_to_paper(
    world: World,
) -> None:
    world.send(paper=True)
    world.send("BUY", key="paper")
    assert world.lane() is None
    world.broker.hold(TICKER, "INTRADAY", -65)
    assert world.send("BUY", key="real").reply.status == 200
    assert world.broker.net(TICKER, "INTRADAY") == 0


# --- Beside positions that the owner opened by hand -----------------------------------


@pytest.mark.parametrize("verb", ["SELL", "EXIT", "BUY"])
@pytest.mark.parametrize("net", [65, -65])
def test_a_paper_alert_leaves_what_was_opened_by_hand_untouched(
    world: World, verb: str, net: int
) -> None:
    world.broker.hold(TICKER, "INTRADAY", net)
    answer = world.send(verb, paper=True)
    assert world.broker.placed == []
    assert world.broker.net(TICKER, "INTRADAY") == net
    if verb == "SELL":
        assert body(answer)["paper"] is True
        assert held(world) == -65
    else:
        assert answer.reply.status == 400
        assert held(world) == 0


@pytest.mark.parametrize(
    ("verb", "net"), [("EXIT", 65), ("EXIT", -65), ("BUY", -65)], ids=str
)
def test_paper_on_stops_no_close_of_what_was_opened_by_hand(
    paper: World, verb: str, net: int
) -> None:
    paper.broker.hold(TICKER, "INTRADAY", net)
    answer = paper.send(verb)
    assert answer.reply.status == 200
    assert "paper" not in body(answer)
    assert paper.broker.net(TICKER, "INTRADAY") == 0
    assert held(paper) == 0


# --- Switching ------------------------------------------------------------------------


def test_a_sell_meant_for_a_paper_long_opens_no_real_short(paper: World) -> None:
    paper.send("LONG")
    paper.restart(paper=False)
    answer = paper.send("SELL", key="c")
    assert code(answer) == (400, "opposite_position")
    assert "EXIT" in body(answer)["error"]
    assert paper.broker.placed == []
    assert paper.send("EXIT", key="x").reply.status == 200
    assert held(paper) == 0


def test_a_sell_on_paper_never_stands_for_a_real_long(world: World) -> None:
    world.send("LONG")
    world.restart(paper=True)
    assert code(world.send("SELL", key="c")) == (400, "opposite_position")
    assert held(world) == 0
    assert world.send("EXIT", key="x").reply.status == 200
    assert world.broker.net(TICKER, "INTRADAY") == 0


# --- The guard, the journal, the notices ----------------------------------------------


def test_exits_on_paper_trade_when_the_guard_sees_their_price(paper: World) -> None:
    paper.send()
    paper.reconcile(after=60)
    assert held(paper) == -65
    paper.broker.prices[TICKER] = Decimal(116)
    paper.reconcile(after=60)
    paper.reconcile(after=60)
    assert held(paper) == 0
    story = day(paper)[0].story
    assert story is not None
    assert story.rupees == 65 * (100 - 116)
    assert paper.told() == []


def test_the_real_guard_sees_nothing_of_paper(paper: World) -> None:
    paper.send()
    paper.broker.calls.clear()
    paper.reconcile(after=60)
    assert "positions" not in paper.broker.calls
    assert "order_book" not in paper.broker.calls


def test_notices_of_paper_say_so(tmp_path: Path) -> None:
    world = World(tmp_path, paper=True, tells_orders=True)
    world.send()
    world.reconcile(after=60)
    assert [notice.event for notice in world.inbox.notices] == [
        "order_placed",
        "order_filled",
    ]
    assert all("PAPER" in notice.message for notice in world.inbox.notices)
