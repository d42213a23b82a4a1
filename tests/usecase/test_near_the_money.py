"""Entries whose strike is counted from the money: which contract, in how many trips."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from shared.broker import NotTaken, Unreadable
from shared.models import OptionChain, Quote
from tests.usecase.world import NEAR, NEXT, STRIKES, World, body, ticker

INDEX = "NSE:NIFTY50-INDEX"
EPOCHS = {NEAR.day: "1795600200", NEXT.day: "1796200200"}


def price(world: World, level: float, epoch: str = "") -> None:
    """Let the underlying stand there, with a quote for every strike."""
    code = "26D01" if epoch else "26NOV"
    quotes = {
        f"NSE:NIFTY{code}{strike}{kind}": Quote(
            Decimal(strike) / 100, Decimal(strike) / 100, Decimal(strike) / 100
        )
        for strike in STRIKES
        for kind in ("CE", "PE")
    }
    chain = OptionChain(Decimal(str(level)), quotes, EPOCHS)
    world.broker.chains[INDEX, epoch] = chain


def calls(world: World) -> list[str]:
    return [call for call in world.broker.calls if call != "turn"]


WORDS = [
    ("ATM", "CE", 25812, 25800),
    ("ATM", "PE", 25838, 25850),
    ("ATM", "CE", 25825, 25800),  # as near to both: the lower
    ("ATM+2", "CE", 25812, 25900),
    ("ATM-2", "CE", 25812, 25700),
    ("ATM+2", "PE", 25812, 25900),
    ("OTM1", "CE", 25812, 25850),
    ("OTM1", "PE", 25812, 25750),
    ("ITM3", "CE", 25812, 25650),
    ("ITM3", "PE", 25812, 25950),
]


@pytest.mark.parametrize("verb", ["SELL", "LONG"])
@pytest.mark.parametrize(("words", "kind", "level", "strike"), WORDS)
def test_an_entry_is_counted_from_the_strike_nearest_to_the_price(
    world: World, words: str, kind: str, level: int, strike: int, verb: str
) -> None:
    price(world, level)
    answer = world.send(verb, strikeprice=words, optionType=kind)
    assert answer.reply.status == 200
    said = body(answer)
    assert said["symbol"] == ticker(strike, kind)
    assert said["ltp"] == strike / 100
    assert world.broker.placed[0].ticker == ticker(strike, kind)


def test_one_chain_is_the_quote_too_and_an_entry_is_two_trips(world: World) -> None:
    price(world, 25812)
    world.send(strikeprice="ATM+1")
    assert sorted(calls(world)[:2]) == ["chain", "positions"]
    assert calls(world)[2:] == ["place"]


def test_a_contract_the_chain_has_no_quote_for_is_asked_for(world: World) -> None:
    price(world, 25812)
    chain = world.broker.chains[INDEX, ""]
    world.broker.chains[INDEX, ""] = replace(chain, quotes={})
    world.broker.prices[ticker(25800)] = Decimal(120)
    assert body(world.send(strikeprice="ATM"))["ltp"] == 120


def test_a_resend_keeps_the_contract_though_the_price_has_moved(world: World) -> None:
    price(world, 25812)
    world.broker.failures["place"] = [NotTaken("full")]
    assert world.send(strikeprice="ATM").reply.status == 503
    price(world, 25990)
    world.broker.prices[ticker(25800)] = Decimal(180)
    world.wait(5)
    assert body(world.send(strikeprice="ATM"))["symbol"] == ticker(25800)
    assert len(world.broker.placed) == 1


def test_a_contract_once_chosen_is_kept_whatever_else_failed(world: World) -> None:
    price(world, 25812)
    world.broker.failures["positions"] = [Unreadable("html")]
    assert world.send(strikeprice="ATM").reply.status == 503
    price(world, 25990)
    world.broker.prices[ticker(25800)] = Decimal(180)
    world.wait(5)
    assert body(world.send(strikeprice="ATM"))["symbol"] == ticker(25800)


def test_the_next_alert_is_counted_anew(world: World) -> None:
    price(world, 25812)
    assert body(world.send(key=None, strikeprice="ATM"))["symbol"] == ticker(25800)
    price(world, 25990)
    world.wait(60)
    assert body(world.send(key=None, strikeprice="ATM"))["symbol"] == ticker(26000)


@pytest.mark.parametrize("level", [None, Decimal(1), Decimal(10**6)])
def test_without_a_price_of_the_underlying_nothing_is_chosen(
    world: World, level: Decimal | None
) -> None:
    price(world, 25812)
    chain = world.broker.chains[INDEX, ""]
    world.broker.chains[INDEX, ""] = replace(chain, price=level)
    answer = world.send(strikeprice="ATM")
    assert (answer.reply.status, body(answer)["code"]) == (503, "unavailable")
    assert world.broker.placed == []


def test_a_chain_that_does_not_answer_is_503(world: World) -> None:
    assert world.send(strikeprice="ATM").reply.status == 503


def test_a_strike_beyond_the_last_is_refused_with_the_range(world: World) -> None:
    price(world, 26100)
    answer = world.send(strikeprice="ATM+1")
    assert (answer.reply.status, body(answer)["code"]) == (400, "unknown_symbol")
    assert "25500 to 26100" in body(answer)["error"]


def test_another_expiry_costs_a_chain_more_once_and_is_then_known(
    world: World,
) -> None:
    price(world, 25812)
    price(world, 25812, EPOCHS[NEXT.day])
    wanted: dict[str, Any] = {"strikeprice": "ATM", "expiry": "NEXT_WEEKLY"}
    answer = world.send(**wanted)
    assert body(answer)["symbol"] == "NSE:NIFTY26D0125800CE"
    assert calls(world).count("chain") == 2
    world.broker.calls.clear()
    world.send(key="k2", **wanted)
    assert calls(world).count("chain") == 1


def test_an_expiry_that_fyers_does_not_list_is_503(world: World) -> None:
    price(world, 25812)
    chain = world.broker.chains[INDEX, ""]
    world.broker.chains[INDEX, ""] = replace(
        chain, timestamps={date(2026, 11, 23): "1"}
    )
    answer = world.send(strikeprice="ATM", expiry="NEXT_WEEKLY")
    assert answer.reply.status == 503
    assert "2026-12-01" in body(answer)["error"]


def test_quantity_in_lots_is_counted_by_the_chosen_contract(world: World) -> None:
    price(world, 25812)
    assert body(world.send(strikeprice="ATM", lots=2))["qty"] == 130
    answer = world.send(key="k2", strikeprice="ATM", qty=66)
    assert (answer.reply.status, body(answer)["code"]) == (400, "bad_quantity")


def test_the_reply_says_the_expiry(world: World) -> None:
    price(world, 25812)
    price(world, 25812, EPOCHS[NEXT.day])
    answer = world.send(strikeprice="ATM", expiry="NEXT_WEEKLY")
    assert body(answer)["expiry"] == "2026-12-01"
