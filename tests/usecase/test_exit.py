"""EXIT of one contract, of a symbol, of everything; closes counted from the money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.broker import LoginEnded, NotTaken, Unreadable
from shared.models import Action, OptionChain, OrderStatus, Rejected, Unclear
from tests.usecase.world import TICKER, World, body, code, ticker

BUY, SELL = Action.BUY, Action.SELL
CALL, OTHER, PUT = TICKER, ticker(25900), ticker(25800, "PE")
LATER, LOW = "NSE:NIFTY26D0125900CE", ticker(25750)


def opened(world: World, **more: Any) -> None:
    """Sell one lot, of CALL unless told otherwise."""
    for name in (CALL, OTHER, PUT, LATER, LOW):
        world.broker.prices[name] = Decimal(100)
    key = f"open {sorted(more.items())}"
    assert world.send(**{"key": key} | more).reply.status == 200
    world.wait(1)


def three(world: World) -> None:
    """Open a call, a long call of another strike and a put."""
    opened(world)
    opened(world, action="LONG", strikeprice=25900)
    opened(world, optionType="PE")


def closed(world: World) -> dict[str, Action]:
    """Return what was sent to close, by contract."""
    orders = [order for order in world.broker.placed if order.stop_loss is None]
    assert len({order.ticker for order in orders}) == len(orders)
    return {order.ticker: order.action for order in orders}


# --- One contract ---------------------------------------------------------------------


@pytest.mark.parametrize(("opens", "side"), [("SELL", BUY), ("LONG", SELL)])
def test_an_exit_closes_what_is_open_whichever_side_it_is(
    world: World, opens: str, side: Action
) -> None:
    opened(world, action=opens, lots=2)
    answer = world.send("EXIT", key="x")
    assert answer.reply.status == 200
    order = world.broker.placed[-1]
    assert (order.action, order.qty, order.stop_loss) == (side, 130, None)
    assert world.broker.net(CALL, "INTRADAY") == 0


def test_an_exit_closes_all_whatever_size_it_names(world: World) -> None:
    opened(world, lots=2)
    answer = world.send("EXIT", key="x", qty=65)
    assert world.broker.placed[-1].qty == 130
    assert "an EXIT closes all that is open" in body(answer)["note"]


def test_an_exit_cancels_an_entry_that_still_works(world: World) -> None:
    world.broker.fills = False
    opened(world)
    answer = world.send("EXIT", key="x")
    assert code(answer) == (400, "nothing_open")
    assert "was cancelled first" in body(answer)["error"]
    assert [row.status for row in world.broker.book] == [OrderStatus.CANCELLED]


@pytest.mark.parametrize("verb", ["EXIT", "BUY"])
def test_a_contract_open_in_both_products_is_ambiguous(world: World, verb: str) -> None:
    opened(world)
    opened(world, productType="MARGIN")
    answer = world.send(verb, key="x")
    assert code(answer) == (400, "ambiguous_position")
    assert "INTRADAY and MARGIN" in body(answer)["error"]
    assert closed(world) == {}
    answer = world.send(verb, key="y", productType="MARGIN")
    assert answer.reply.status == 200
    assert world.broker.net(CALL, "MARGIN") == 0
    assert world.broker.net(CALL, "INTRADAY") == -65


# --- Several --------------------------------------------------------------------------


def test_an_exit_of_all_closes_everything_of_ours_and_nothing_else(
    world: World,
) -> None:
    three(world)
    world.broker.hold("NSE:STRANGER", "INTRADAY", -65)
    answer = world.exit()
    assert answer.reply.status == 200
    assert closed(world) == {CALL: BUY, OTHER: SELL, PUT: BUY}
    said = body(answer)
    assert said["message"] == "3 positions are being closed"
    assert [order["symbol"] for order in said["orders"]] == [CALL, OTHER, PUT]
    assert all(order["success"] for order in said["orders"])


NARROWED: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {CALL, OTHER, PUT, LATER}),
    ({"optionType": "PE"}, {PUT}),
    ({"optionType": "CE"}, {CALL, OTHER, LATER}),
    ({"expiry": "WEEKLY"}, {CALL, OTHER, PUT}),
    ({"expiry": "2026-12-01"}, {LATER}),
    ({"expiry": "NEXT_WEEKLY", "optionType": "PE"}, set()),
    ({"productType": "MARGIN"}, {LATER}),
    ({"productType": "INTRADAY", "optionType": "CE"}, {CALL, OTHER}),
]


@pytest.mark.parametrize(("narrow", "meant"), NARROWED)
def test_an_exit_of_a_symbol_is_narrowed_by_what_it_names(
    world: World, narrow: dict[str, Any], meant: set[str]
) -> None:
    three(world)
    opened(world, expiry="NEXT_WEEKLY", strikeprice=25900, productType="MARGIN")
    answer = world.exit("NIFTY", **narrow)
    assert set(closed(world)) == meant
    assert code(answer)[0] == (200 if meant else 400)


def test_an_exit_of_another_symbol_closes_nothing(world: World) -> None:
    opened(world)
    assert code(world.exit("BANKNIFTY")) == (400, "nothing_open")


def test_an_expiry_word_for_all_symbols_is_refused(world: World) -> None:
    opened(world)
    answer = world.exit("ALL", expiry="WEEKLY")
    assert answer.reply.status == 400
    assert "needs a symbol" in body(answer)["error"]


def test_nothing_open_is_final_and_told_once(world: World) -> None:
    answer = world.exit()
    assert code(answer) == (400, "nothing_open")
    assert "nothing of ours is open" in body(answer)["error"]
    assert world.told() == ["nothing_open"]


def test_what_was_closed_and_forgotten_is_not_ours_any_more(world: World) -> None:
    opened(world)
    world.send("BUY", key="cover")
    world.reconcile(after=60)
    world.by_hand(SELL)
    assert code(world.exit()) == (400, "nothing_open")


def test_hand_lots_in_our_row_go_with_it(world: World) -> None:
    opened(world)
    world.by_hand(SELL)
    world.exit()
    assert world.broker.placed[-1].qty == 130


def test_the_list_is_stored_before_the_first_close_goes_out(world: World) -> None:
    three(world)
    seen: list[int] = []

    def look(call: str) -> None:
        if call == "place":
            parents = [
                stored.claim
                for stored in world.store.of_day(world.clock().date(), world.deadline())
                if stored.claim.children
            ]
            seen.append(len(parents[0].children))

    world.broker.before = look
    world.exit()
    assert seen == [3, 3, 3]


def test_each_close_stands_under_a_claim_of_its_own(world: World) -> None:
    three(world)
    world.exit()
    claims = [
        stored.claim
        for stored in world.store.of_day(world.clock().date(), world.deadline())
        if stored.claim.what.startswith("EXIT")
    ]
    parent, *children = claims
    assert (parent.state, parent.slip) == ("DONE", None)
    assert [child.state for child in children] == ["DONE"] * 3
    assert all(len(child.order_ids) == 1 for child in children)


def test_a_second_exit_is_answered_as_the_first(world: World) -> None:
    three(world)
    first = world.exit()
    again = world.exit()
    assert again.replayed
    assert again.reply == first.reply
    assert len(world.broker.placed) == 6


def test_an_equal_exit_later_in_the_day_closes_what_was_opened_since(
    world: World,
) -> None:
    """Without a key the parents share a claim id; their closes must not."""
    for n in range(3):
        opened(world, key=f"open {n}")
        assert world.exit(key=None).reply.status == 200
        assert world.broker.net(CALL, "INTRADAY") == 0
        world.reconcile(after=60)


def test_a_resend_repeats_what_is_not_done_and_never_adds(world: World) -> None:
    opened(world)
    opened(world, optionType="PE")
    world.broker.failures["place"] = [NotTaken("full")]
    first = world.exit()
    assert code(first) == (503, "unavailable")
    assert sorted(order["success"] for order in body(first)["orders"]) == [False, True]
    opened(world, strikeprice=25900)
    world.wait(5)
    second = world.exit()
    assert second.reply.status == 200
    assert closed(world) == {CALL: BUY, PUT: BUY}
    assert world.broker.net(OTHER, "INTRADAY") == -65
    assert len(body(second)["orders"]) == 2


def test_a_resend_after_a_death_goes_on_with_the_list(world: World) -> None:
    three(world)
    with world.dying("place"):
        world.exit()
    opened(world, strikeprice=25750)
    world.wait(5)
    world.exit()
    assert world.broker.net(LOW, "INTRADAY") == -65
    for _ in range(3):
        world.reconcile(after=60)
    assert world.broker.net(OTHER, "INTRADAY") == 0
    assert world.broker.net(PUT, "INTRADAY") == 0


def test_an_entry_that_may_be_on_its_way_is_listed_and_waited_for(
    world: World,
) -> None:
    opened(world)
    world.broker.results = [Unclear("no answer")]
    world.broker.unknown_arrives = False
    world.send(key="maybe", optionType="PE")
    first = world.exit()
    assert code(first) == (503, "unavailable")
    assert world.broker.net(CALL, "INTRADAY") == 0
    world.by_hand(SELL, ticker=PUT, tag=world.broker.placed[1].tag)
    world.wait(5)
    assert world.exit().reply.status == 200
    assert world.broker.net(PUT, "INTRADAY") == 0


SOME: list[tuple[list[Any], int, str]] = [
    ([None, Unreadable("x")], 503, "unavailable"),
    ([Unclear("x"), NotTaken("full")], 503, "unavailable"),
    ([None, Unclear("x")], 202, "outcome_unknown"),
    ([Unclear("x"), Rejected(-99, "no")], 202, "outcome_unknown"),
    ([None, Rejected(-99, "no")], 200, ""),
    ([Rejected(-99, "no"), Rejected(-99, "no")], 424, "order_rejected"),
]


@pytest.mark.parametrize(("ends", "status", "word"), SOME)
def test_the_reply_is_the_worst_that_a_resend_can_mend(
    world: World, ends: list[Any], status: int, word: str
) -> None:
    opened(world)
    opened(world, optionType="PE")
    world.broker.unknown_arrives = False
    left = list(ends)

    def end(call: str) -> None:
        if call == "place":
            next_end = left.pop(0)
            if isinstance(next_end, Exception):
                raise NotTaken("full") from next_end
            world.broker.results = [next_end] if next_end else []

    world.broker.before = end
    answer = world.exit()
    assert code(answer) == (status, word)
    assert len(body(answer)["orders"]) == 2


def test_a_list_no_resend_finishes_is_told_by_each_close_that_is_left(
    world: World,
) -> None:
    opened(world)
    opened(world, optionType="PE")
    world.broker.failures["place"] = [NotTaken("full"), NotTaken("full")]
    assert world.exit().reply.status == 503
    world.reconcile(after=60)
    notices = [n for n in world.inbox.notices if n.event == "exit_not_sent"]
    assert len(notices) == 2
    assert {notice.contract for notice in notices} == {CALL, PUT}


def test_an_exit_of_all_without_a_login_is_told(world: World) -> None:
    opened(world)
    world.broker.failures["turn"] = [LoginEnded("401")]
    assert code(world.exit()) == (424, "not_logged_in")
    assert world.told() == ["not_logged_in"]


def test_a_row_of_ours_that_cannot_be_read_fails_the_list(world: World) -> None:
    opened(world)
    world.broker.broken = {CALL}
    assert code(world.exit()) == (503, "unavailable")


# --- Counted from the money -----------------------------------------------------------


@pytest.mark.parametrize("verb", ["BUY", "EXIT"])
def test_a_relative_close_means_the_one_contract_that_is_open(
    world: World, verb: str
) -> None:
    """The price has moved since it was sold: ATM is another strike now."""
    opened(world, strikeprice=25900)
    opened(world, optionType="PE")
    answer = world.send(verb, key="x", strikeprice="ATM")
    assert answer.reply.status == 200
    assert closed(world) == {OTHER: BUY}
    assert "chain" not in world.broker.calls


def test_a_relative_close_of_nothing_says_so(world: World) -> None:
    opened(world, optionType="PE")
    answer = world.send("EXIT", key="x", strikeprice="ATM")
    assert code(answer) == (400, "nothing_open")


def chain_at(world: World, price: int) -> None:

    world.broker.chains["NSE:NIFTY50-INDEX", ""] = OptionChain(Decimal(price), {}, {})


def test_of_several_the_one_that_the_words_name_now_is_closed(world: World) -> None:
    opened(world)
    opened(world, strikeprice=25900)
    chain_at(world, 25890)
    answer = world.send("BUY", key="x", strikeprice="ATM")
    assert answer.reply.status == 200
    assert closed(world) == {OTHER: BUY}


def test_of_several_none_of_which_is_named_none_is_closed(world: World) -> None:
    opened(world)
    opened(world, strikeprice=25900)
    chain_at(world, 26000)
    answer = world.send("BUY", key="x", strikeprice="ATM")
    assert code(answer) == (400, "ambiguous_position")
    assert CALL in body(answer)["error"]
    assert OTHER in body(answer)["error"]
    assert closed(world) == {}
    assert world.told() == ["ambiguous_position"]


def test_a_relative_close_that_is_sent_again_means_the_same(
    world: World,
) -> None:
    opened(world)
    opened(world, strikeprice=25900)
    chain_at(world, 25890)
    world.broker.failures["place"] = [NotTaken("full")]
    assert world.send("BUY", key="x", strikeprice="ATM").reply.status == 503
    chain_at(world, 25810)
    world.wait(5)
    assert world.send("BUY", key="x", strikeprice="ATM").reply.status == 200
    assert closed(world) == {OTHER: BUY}
