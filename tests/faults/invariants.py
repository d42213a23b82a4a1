"""What holds in every cell, whatever goes wrong there."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from local.standins.tradingview import Delivery
from tests.faults.playing import Outcome

NOT_TAKEN = ("rate", "expired", "not_allowed")
"""Faults by which FYERS itself says that it did not take the call."""

REFUSED = 5
"""FYERS's status of an order it rejected."""


def one_order(outcome: Outcome) -> bool:
    """Never two orders for one alert, not even when it comes once more.

    One that FYERS refused for good is none.
    """
    cell = outcome.cell
    alerts = cell.times if cell.rivals else 1 + bool(cell.then)
    refused = sum(1 for order in outcome.orders if order.get("status") == REFUSED)
    most = max(len(outcome.orders), outcome.orders_at_last)
    return most - min(refused, 1) <= alerts


def nothing_crosses_zero(outcome: Outcome) -> bool:
    """Never a close that goes beyond the position: it would open another."""
    return not outcome.crossed


def order_is_known(outcome: Outcome) -> bool:
    """Never an order without a DONE claim or a notification within one reconcile."""
    return (
        not outcome.orders_after_one
        or "DONE" in outcome.claim_after_one
        or bool(outcome.told_after_one)
    )


def no_5xx_after_sending(outcome: Outcome) -> bool:
    """Never a 5xx from a delivery that may have sent something."""
    return not any(
        delivery.ours_5xx and _may_have_sent(outcome, delivery)
        for delivery in outcome.deliveries
    )


def nothing_lost_in_silence(outcome: Outcome) -> bool:
    """Never a lost alert without a 4xx or 5xx at the end, or a notification."""
    if outcome.orders or outcome.told:
        return True
    return all(trigger[-1].reply[0] in "45" for trigger in outcome.triggers)


def no_exits_left_behind(outcome: Outcome) -> bool:
    """Never exits beyond the short without a word: they would open a long."""
    return not outcome.excess or "exits_left_behind" in outcome.told


def success_is_stored(outcome: Outcome) -> bool:
    """Never a 200 that left the claim otherwise, unless the write of DONE failed.

    Whatever was concluded meanwhile, an acceptance wins, and at once.
    """
    struck = any(wrong.where == "done" or wrong.later for wrong in outcome.cell.wrong)
    said = any(delivery.reply == "200" for delivery in outcome.deliveries)
    return struck or not said or "DONE" in outcome.claim_at_once


def in_time(outcome: Outcome) -> bool:
    """Never a reply TradingView gives up on, while the instance lives."""
    return all(delivery.reply != "late" for delivery in outcome.deliveries)


def _may_have_sent(outcome: Outcome, delivery: Delivery) -> bool:
    """Return whether an order call of this delivery may have counted."""
    tags = {
        passed.tag
        for passed in outcome.passed
        if (passed.point, passed.when) == ("place", "before")
        and passed.request_id == delivery.request_id
    }
    return any(
        sent.tag in tags and sent.fault not in NOT_TAKEN and sent.status != 429
        for sent in outcome.sent
    )


INVARIANTS: Mapping[str, Callable[[Outcome], bool]] = {
    "one_order": one_order,
    "nothing_crosses_zero": nothing_crosses_zero,
    "order_is_known": order_is_known,
    "no_5xx_after_sending": no_5xx_after_sending,
    "nothing_lost_in_silence": nothing_lost_in_silence,
    "no_exits_left_behind": no_exits_left_behind,
    "success_is_stored": success_is_stored,
    "in_time": in_time,
}


def broken(outcome: Outcome) -> list[str]:
    """Return the invariants an outcome breaks, in words."""
    return [(rule.__doc__ or "") for rule in INVARIANTS.values() if not rule(outcome)]
