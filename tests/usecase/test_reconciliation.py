"""What reconcile settles and tells of it, one situation each."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.broker import LoginEnded, Unreadable
from shared.errors import NotLoggedIn
from shared.idempotency import (
    Claimed,
    Done,
    NotSent,
    Released,
    Sending,
    Unknown,
    settling,
)
from shared.models import (
    Action,
    BookedOrder,
    OrderStatus,
    OurOrder,
    Severity,
    Unclear,
)
from tests.contract.claims_made import standing
from tests.usecase.world import TICKER, World


def unknown(world: World, *, arrives: bool = False) -> None:
    """Leave an UNKNOWN behind; the webhook's own look finds nothing."""
    world.broker.results.append(Unclear("reset"))
    world.broker.unknown_arrives = arrives
    world.broker.failures["order_book"] = [Unreadable("html")]
    assert world.send().reply.status == 202
    assert world.now_state() is Unknown
    world.inbox.notices.clear()


def untagged(world: World, **changes: object) -> BookedOrder:
    fields: dict[str, object] = {
        "order_id": "26112399999999",
        "ticker": TICKER,
        "action": Action.SELL,
        "qty": 65,
        "filled": 65,
        "product": "INTRADAY",
        "status": OrderStatus.TRADED,
        "tag": "",
        "parent_id": None,
        "message": "",
        "placed_at": world.clock(),
    }
    return BookedOrder(**fields | changes)  # type: ignore[arg-type]  # its own fields


def test_nothing_open_reads_nothing(world: World) -> None:
    summary = world.reconcile()
    assert (summary.watched, summary.order_book) == (0, "not needed")
    assert world.broker.calls == []


def test_an_unknown_that_is_found_is_done_and_told(world: World) -> None:
    unknown(world, arrives=True)
    world.reconcile(after=1)
    assert world.now_state() is Done
    assert world.inbox.events == ["order_found"]
    assert world.send().reply.status == 200


@pytest.mark.parametrize("status", [OrderStatus.REJECTED, OrderStatus.EXPIRED])
def test_an_unknown_found_dead_is_refused(world: World, status: OrderStatus) -> None:
    world.broker.fills = False
    unknown(world, arrives=True)
    world.broker.change(world.broker.book[0].order_id, status=status, message="RED:x")
    world.reconcile(after=1)
    assert world.inbox.events == ["order_rejected"]
    assert world.send().reply.status == 424


def test_an_unknown_found_part_filled_is_done_saying_so(world: World) -> None:
    world.broker.fills = False
    world.broker.results.append(Unclear("reset"))
    world.broker.failures["order_book"] = [Unreadable("html")]
    world.send(qty=130)
    world.broker.trade(world.broker.book[0].order_id, 65)
    world.reconcile(after=1)
    assert "65 of 130 filled" in world.send(qty=130).reply.body


def test_an_exit_leg_that_repeats_the_tag_is_not_the_order(world: World) -> None:
    unknown(world)
    tag = world.broker.placed[0].tag
    leg = untagged(world, tag=tag, parent_id="1", action=Action.BUY)
    world.broker.book.append(leg)
    world.reconcile(after=10)
    assert world.now_state() is Unknown


@pytest.mark.parametrize(
    ("form", "changes"),
    [
        (str.upper, {}),
        (lambda tag: tag[:16], {}),
        (lambda tag: tag, {"parent_id": "1"}),
        (lambda tag: tag, {"order_type": 1, "product": "MARGIN"}),
    ],
    ids=["upper case", "cut to 16", "with a parent", "odd type and product"],
)
def test_any_row_with_the_tag_disproves_absence(
    world: World, form: Callable[[str], str], changes: dict[str, object]
) -> None:
    unknown(world)
    tag = form(world.broker.placed[0].tag)
    world.broker.book.append(untagged(world, tag=tag, **changes))
    world.reconcile(after=60)
    assert world.now_state() is Done


def test_an_order_is_looked_up_by_the_id_that_came_with_a_mishap(world: World) -> None:
    world.broker.results.append(Unclear("-99", order_id="26112399999999"))
    world.broker.unknown_arrives = False
    world.send()
    assert world.now_state() is Unknown
    world.broker.book.append(untagged(world, tag="lost"))
    world.reconcile(after=1)
    assert world.now_state() is Done


def test_an_unknown_is_absent_only_after_thirty_seconds(world: World) -> None:
    unknown(world)
    world.reconcile(after=32)
    assert world.now_state() is Unknown
    world.reconcile(after=0.5)
    assert world.now_state() is NotSent
    assert world.inbox.events == ["not_sent"]


def test_an_unknown_is_not_settled_by_the_first_of_its_slices(world: World) -> None:
    world.broker.results.append(Unclear("reset"))
    world.broker.unknown_arrives = False
    world.send(qty=130)
    tag = world.broker.placed[0].tag
    dead = {"status": OrderStatus.CANCELLED, "filled": 0, "tag": tag}
    world.broker.book.append(untagged(world, **dead))
    world.reconcile(after=1)
    assert world.now_state() is Unknown
    second = untagged(world, order_id="26112399999998", tag=tag)
    world.broker.book.append(second)
    world.reconcile(after=1)
    assert world.now_state() is Done
    assert "65 of 130 filled" in world.send(qty=130).reply.body


def test_slices_that_never_come_settle_an_unknown_after_thirty_seconds(
    world: World,
) -> None:
    world.broker.results.append(Unclear("reset"))
    world.broker.unknown_arrives = False
    world.send(qty=130)
    tag = world.broker.placed[0].tag
    world.broker.book.append(untagged(world, tag=tag))
    world.reconcile(after=40)
    assert world.now_state() is Done


def test_an_unreadable_book_proves_nothing(world: World) -> None:
    unknown(world)
    world.broker.failures["order_book"] = [Unreadable("html")]
    summary = world.reconcile(after=60)
    assert summary.order_book == "unreadable"
    assert world.now_state() is Unknown


def test_an_untagged_twin_proves_nothing(world: World) -> None:
    unknown(world)
    world.broker.book.append(untagged(world))
    world.reconcile(after=60)
    assert world.now_state() is Unknown


@pytest.mark.parametrize(
    "changes",
    [
        {"qty": 130},
        {"action": Action.BUY},
        {"product": "MARGIN"},
        {"ticker": "NSE:OTHER"},
        {"tag": "somebody"},
        {"parent_id": "1"},
        {"order_type": 1},
    ],
    ids=str,
)
def test_a_row_that_cannot_be_the_order_hides_nothing(
    world: World, changes: dict[str, object]
) -> None:
    unknown(world)
    world.broker.book.append(untagged(world, **changes))
    world.reconcile(after=60)
    assert world.now_state() is NotSent


def test_an_older_untagged_row_hides_nothing(world: World) -> None:
    world.broker.book.append(untagged(world))
    world.wait(3600)
    unknown(world)
    world.reconcile(after=60)
    assert world.now_state() is NotSent


@pytest.mark.parametrize("days", [1, 3])
def test_another_day_proves_nothing_and_the_owner_must_look(
    world: World, days: int
) -> None:
    unknown(world)
    world.reconcile(after=timedelta(days=days).total_seconds())
    assert world.now_state() is Unknown
    assert world.inbox.events == ["outcome_unknown"]
    assert world.inbox.notices[0].severity is Severity.CRITICAL
    world.reconcile(after=60)
    assert len(world.inbox.notices) == 1
    assert world.send().reply.status == 202


def test_at_the_days_end_the_owner_is_told_to_look(world: World) -> None:
    unknown(world)
    world.broker.book.append(untagged(world))
    world.reconcile(after=6 * 3600 + 20 * 60)  # 15:50 IST
    assert world.inbox.events == ["outcome_unknown"]


def test_an_order_that_turns_up_after_all_corrects_the_owner(world: World) -> None:
    unknown(world)
    world.reconcile(after=60)
    tag = world.broker.placed[0].tag
    world.broker.book.append(untagged(world, tag=tag))
    world.reconcile(after=60)
    assert world.now_state() is Done
    assert world.inbox.events == ["not_sent", "order_found"]
    assert "Correction" in world.inbox.notices[1].message


def test_a_taken_over_document_still_watches_for_its_lost_order(world: World) -> None:
    world.broker.results.append(Unclear("reset"))
    world.broker.unknown_arrives = False
    world.send(key=None)
    world.reconcile(after=60)
    lost = world.broker.placed[0].tag
    assert world.send(key=None).reply.status == 200
    world.broker.book.append(untagged(world, tag=lost))
    world.reconcile(after=60)
    assert world.inbox.events == ["outcome_unknown", "not_sent", "order_found"]


def test_an_orphan_that_was_never_taken_is_settled_in_one_run(world: World) -> None:
    world.dies("place", "SELL")
    world.reconcile(after=60)
    assert world.now_state() is NotSent
    assert world.inbox.events == ["not_sent"]


def test_an_orphan_is_unknown_until_proven(world: World) -> None:
    world.dies("place", "SELL")
    world.reconcile(after=10)
    assert world.now_state() is Unknown
    assert world.inbox.events == ["outcome_unknown"]


def test_a_sending_still_under_way_is_left_alone(world: World) -> None:
    world.dies("place", "SELL")
    world.reconcile(after=1)
    assert world.now_state() is Sending


def test_a_stale_claim_is_told_after_thirty_seconds(world: World) -> None:
    world.dies("positions", "SELL")
    world.reconcile(after=29)
    assert world.now_state() is Claimed
    world.reconcile(after=2)
    assert world.now_state() is NotSent
    assert world.inbox.events == ["not_sent"]


@pytest.mark.parametrize("action", ["BUY", "EXIT"])
def test_an_exit_that_was_never_sent_is_critical(world: World, action: str) -> None:
    world.broker.failures["positions"] = [Unreadable("html")]
    world.send(action)
    world.reconcile(after=31)
    (notice,) = world.inbox.notices
    assert (notice.event, notice.severity) == ("exit_not_sent", Severity.CRITICAL)
    assert "The position may still be open" in notice.message


def test_a_broken_row_of_the_contract_proves_nothing(world: World) -> None:
    unknown(world)
    world.broker.broken = {TICKER}
    world.reconcile(after=60)
    assert world.now_state() is Unknown


def test_a_broken_row_of_another_contract_hides_nothing(world: World) -> None:
    unknown(world)
    world.broker.broken = {"NSE:OTHER"}
    world.reconcile(after=60)
    assert world.now_state() is NotSent


def test_a_released_alert_nobody_resends_is_told(world: World) -> None:
    world.broker.failures["quote"] = [Unreadable("html")]
    world.send()
    world.reconcile(after=29)
    assert world.now_state() is Released
    world.reconcile(after=2)
    assert world.now_state() is NotSent
    assert world.inbox.events == ["not_sent"]


def test_what_is_untold_is_kept_over_a_long_weekend(world: World) -> None:
    world.broker.failures["quote"] = [Unreadable("html")]
    world.send()
    kept = standing(world.claim(), Released).at.expires_at
    assert kept - world.clock() >= timedelta(days=5)
    world.reconcile(after=60)
    told = standing(world.claim(), NotSent).at.expires_at
    assert told - world.clock() <= timedelta(days=1)


def test_a_refused_alert_is_not_told_twice(world: World) -> None:
    world.send(symbol="X")
    world.reconcile(after=600)
    assert world.inbox.events == ["unknown_symbol"]


def test_unsent_notices_are_sent_and_marked(world: World) -> None:
    world.inbox.down = True
    world.send(symbol="X")
    world.reconcile(after=60)
    world.inbox.down = False
    world.reconcile(after=60)
    world.reconcile(after=60)
    assert world.inbox.events == ["unknown_symbol"]


def test_a_notice_just_written_is_left_to_its_delivery(world: World) -> None:
    world.inbox.down = True
    world.send(symbol="X")
    world.inbox.down = False
    world.reconcile(after=5)
    assert world.inbox.events == []


def test_what_is_unsettled_goes_before_what_is_only_followed(world: World) -> None:
    world.send(key="a quiet short")
    world.wait(60)
    world.broker.results.append(Unclear("reset"))
    world.broker.failures["order_book"] = [Unreadable("html")]
    world.send(key="unknown", qty=130)
    first, second = world.store.watched(5, world.deadline())
    assert (first.claim.state, second.claim.state) == ("UNKNOWN", "DONE")


def test_one_read_of_the_book_serves_every_claim(world: World) -> None:
    for number in range(5):
        world.send(key=f"k{number}")
    world.broker.calls.clear()
    assert world.reconcile(after=60).watched == 5
    assert world.broker.calls.count("order_book") == 1


def test_one_odd_claim_keeps_no_other_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.broker.results.append(Unclear("reset"))
    world.broker.failures["order_book"] = [Unreadable("html")]
    world.send(key="odd")
    world.inbox.notices.clear()
    world.broker.failures["quote"] = [Unreadable("html")]
    world.send(key="stale", qty=130)

    def fails(our: OurOrder, *_: object) -> tuple[BookedOrder, ...]:
        raise RuntimeError(our.order.tag)

    monkeypatch.setattr(settling, "find", fails)
    summary = world.reconcile(after=60)
    assert (summary.failed, summary.changed) == (1, 1)
    assert world.inbox.events == ["not_sent"]


def test_a_run_without_a_login_leaves_everything_as_it_is(world: World) -> None:
    unknown(world)
    world.broker.failures["order_book"] = [LoginEnded("expired")]
    world.reconcile(after=60)
    assert world.now_state() is Unknown


def test_a_repeated_run_changes_nothing(world: World) -> None:
    unknown(world)
    world.reconcile(after=60)
    assert world.reconcile().changed == 0


def test_a_run_stops_early_rather_than_be_killed(world: World) -> None:
    unknown(world)
    summary = world.reconciliation.run(world.deadline(4))
    assert (summary.left, summary.changed) == (1, 0)


# --- What an owner on a train reads ---------------------------------------------------


def lost(world: World, action: str) -> None:
    """Lose an order of a position's; nobody knows whether FYERS has it."""
    world.broker.results.append(Unclear("the connection was reset"))
    world.broker.unknown_arrives = False
    world.broker.failures["order_book"] = [Unreadable("html")] * (action == "SELL")
    world.send(action, key="lost")


def test_a_lost_close_is_told_as_a_position_that_may_be_open(world: World) -> None:
    world.send(key="open")
    lost(world, "BUY")
    (unknown,) = world.inbox.notices
    assert unknown.severity is Severity.CRITICAL
    assert unknown.message == (
        f"BUY 65 {TICKER} INTRADAY: FYERS may or may not hold this order: the "
        "connection was reset. Until that is clear the position may be open. It is "
        "being looked up, and you hear within two minutes how it ended: do not send "
        "it by hand before."
    )
    world.told()
    world.reconcile(after=60)
    world.reconcile(after=60)
    (absent,) = world.inbox.notices
    assert (absent.event, absent.severity) == ("not_sent", Severity.CRITICAL)
    assert absent.message == (
        f"BUY 65 {TICKER} INTRADAY: this close did not reach FYERS: FYERS's order "
        "book does not hold it. The position may still be open: send EXIT, or close "
        "it in the FYERS app."
    )


def test_a_lost_entry_is_told_without_alarm(world: World) -> None:
    lost(world, "SELL")
    (unknown,) = world.inbox.notices
    assert unknown.severity is Severity.ERROR
    assert "position" not in unknown.message
    world.told()
    world.reconcile(after=60)
    world.reconcile(after=60)
    (absent,) = world.inbox.notices
    assert (absent.event, absent.severity) == ("not_sent", Severity.ERROR)
    assert absent.message.endswith("Place it by hand if you still want it.")


DO = {
    "SELL": "then place it by hand if you still want it.",
    "BUY": "then send EXIT, or close the position in the FYERS app.",
    "EXIT": "then send EXIT, or close the position in the FYERS app.",
}


@pytest.mark.parametrize("verb", list(DO))
@pytest.mark.parametrize("at_the_order", [False, True])
def test_without_a_login_a_close_is_urgent_and_each_says_what_to_do(
    world: World, verb: str, at_the_order: bool
) -> None:
    """Nobody resends a 424."""
    world.broker.hold(TICKER, "INTRADAY", -65 if verb != "SELL" else 0)
    reason = "log in to FYERS: nobody has logged in yet"
    if at_the_order:
        world.broker.failures["place"] = [LoginEnded(reason)]
    else:
        world.login = NotLoggedIn(reason)
    assert world.send(verb).reply.status == 424
    (notice,) = world.inbox.notices
    urgent = Severity.ERROR if verb == "SELL" else Severity.CRITICAL
    assert (notice.event, notice.severity) == ("not_logged_in", urgent)
    assert notice.message.endswith(
        f": no order was sent: {reason}. TradingView does not send it again: log in, "
        f"{DO[verb]}"
    )
