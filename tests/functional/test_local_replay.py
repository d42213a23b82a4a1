"""The morning that `./dev.sh run --replay` plays, without its pauses."""

from __future__ import annotations

from local import playground
from local.replay import Morning


def test_the_morning_trades_loses_a_reply_and_ends_flat() -> None:
    said: list[str] = []
    env = {"FYERS_CALLS_PER_SECOND": "0", "NOTIFY_ORDERS": "false"}
    with playground.running(env=env) as ground:
        ground.call("POST", "refresh-symbols")
        ground.log_in()
        Morning(ground).play(pause=lambda seconds: None, say=said.append)
        ground.call("POST", "reconcile")
        orders, positions = ground.book()
    assert said[-1] == "replay: the morning is over; look at the desk"
    assert [row["netQty"] for row in positions if row["netQty"]] == []
    entries = [row for row in orders if not row.get("parentId") and row["side"] == -1]
    assert len(entries) >= 3, "the lost reply's order is one of them, once"
