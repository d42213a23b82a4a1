"""One delivery: what is sent, what is stored, what is answered, who is told."""

import contextlib
from datetime import timedelta
from decimal import Decimal

import pytest

from shared.adapters import claim_codec
from shared.broker import LoginEnded, NotTaken, Unreadable
from shared.errors import NotLoggedIn, Problem, Unavailable
from shared.idempotency import Done, NotSent, Released, Sending, State, Unknown
from shared.models import Rejected, Unclear
from shared.orders import Delivery
from tests.contract.claims_made import standing
from tests.usecase.world import TICKER, World, body


def test_an_alert_becomes_one_order(world: World) -> None:
    answer = world.send()
    said = body(answer)
    (order,) = world.broker.placed
    assert answer.reply.status == 200
    assert said["success"] is True
    assert said["message"] == "order placed"
    assert (said["symbol"], said["qty"], said["action"]) == (TICKER, 65, "SELL")
    assert (said["ltp"], said["stop_loss"], said["take_profit"]) == (100, 115, 75)
    assert said["order_id"] == said["order_response"]["id"]
    assert said["request_id"] == "r1"
    assert order.tag == world.claim().attempt[:20]


def test_one_alert_costs_three_claim_writes_and_three_calls(world: World) -> None:
    world.send()
    assert world.store.writes == 3
    calls = [call for call in world.broker.calls if call != "turn"]
    assert sorted(calls[:2]) == ["positions", "quote"]
    assert calls[2:] == ["place"]


def test_a_cover_reads_the_order_book_too(world: World) -> None:
    world.broker.hold(TICKER, "INTRADAY", -65)
    world.send("BUY")
    calls = [call for call in world.broker.calls if call != "turn"]
    assert sorted(calls[:3]) == ["order_book", "positions", "quote"]
    assert calls[3] == "place"


def test_success_tells_nobody(world: World) -> None:
    world.send()
    assert world.inbox.notices == []


def test_a_replay_is_the_stored_bytes(world: World) -> None:
    first, second = world.send(), world.send()
    assert second.replayed
    assert second.reply == first.reply
    assert len(world.broker.placed) == 1


def test_equal_bodies_without_a_key_are_one_alert_for_the_window(world: World) -> None:
    world.send(key=None)
    world.wait(19)
    assert world.send(key=None).replayed
    world.wait(1)
    assert not world.send(key=None).replayed
    assert len(world.broker.placed) == 2


def test_a_key_speaks_for_its_alert_until_it_expires(world: World) -> None:
    world.send()
    world.wait(86399)
    assert world.send().replayed
    world.wait(1)
    assert not world.send().replayed
    assert len(world.broker.placed) == 2


def test_another_body_under_the_key_is_refused_and_told(world: World) -> None:
    world.send()
    answer = world.send(strikeprice=25900)
    assert (answer.reply.status, body(answer)["code"]) == (422, "key_reused")
    assert world.inbox.events == ["key_reused"]
    assert len(world.broker.placed) == 1


def test_a_wrong_secret_stores_and_tells_nothing(world: World) -> None:
    delivery = Delivery(b'{"token": "x", "qty": "{{"}', "k", "r", world.deadline())
    with pytest.raises(Problem) as refused:
        world.orders.handle(delivery)
    assert refused.value.status == 401
    assert world.keys() == []
    assert world.inbox.notices == []


def test_a_malformed_alert_is_told_once_authenticated(world: World) -> None:
    answer = world.send(qty="{{n}}")
    assert answer.reply.status == 400
    assert world.broker.calls == []
    assert world.inbox.events == ["bad_request"]


def test_a_malformed_alert_leaves_its_row_in_the_journal(world: World) -> None:
    world.send(qty="{{n}}")
    claim = world.claim()
    assert not standing(claim, Released).at.retry
    assert claim.what == "an alert SELL NIFTY"
    assert "qty" in claim.reason
    assert claim.order_ids == ()


@pytest.mark.parametrize("at_hand", [True, False])
def test_an_unknown_symbol_is_released_and_told(world: World, at_hand: bool) -> None:
    world.at_hand = at_hand
    answer = world.send(symbol="NIFTEE")
    assert (answer.reply.status, body(answer)["code"]) == (400, "unknown_symbol")
    assert world.now_state() is Released
    assert world.inbox.events == ["unknown_symbol"]
    assert world.claim().outbox == ()


def test_a_refused_alert_may_be_sent_again_under_its_key(world: World) -> None:
    world.send("BUY")
    world.broker.hold(TICKER, "INTRADAY", -65)
    assert world.send("BUY").reply.status == 200


@pytest.mark.parametrize("at_hand", [True, False])
def test_a_missing_login_ends_the_alert(world: World, at_hand: bool) -> None:
    world.at_hand = at_hand
    world.login = NotLoggedIn("log in")
    answer = world.send()
    assert (answer.reply.status, body(answer)["code"]) == (424, "not_logged_in")
    assert world.now_state() is Released
    assert world.inbox.events == ["not_logged_in"]


@pytest.mark.parametrize("call", ["quote", "positions"])
def test_an_unreadable_market_is_503_and_the_resend_goes_through(
    world: World, call: str
) -> None:
    world.broker.failures[call] = [Unreadable("html")]
    assert world.send().reply.status == 503
    assert world.now_state() is Released
    assert world.inbox.notices == []
    assert world.send().reply.status == 200


def test_no_quote_may_keep_a_short_open(world: World) -> None:
    world.broker.hold(TICKER, "INTRADAY", -65)
    world.broker.failures["quote"] = [Unreadable("html")]
    answer = world.send("BUY")
    assert answer.reply.status == 200
    assert body(answer)["ltp"] is None


def test_a_pace_that_is_full_is_503(world: World) -> None:
    world.broker.failures["turn"] = [NotTaken("too many calls")]
    assert world.send().reply.status == 503
    assert world.broker.placed == []


def test_a_refused_order_is_replayed_as_refused(world: World) -> None:
    world.broker.results.append(Rejected(-50, "lot"))
    first = world.send()
    assert (first.reply.status, body(first)["code"]) == (424, "order_rejected")
    assert world.now_state() is Done
    assert world.inbox.events == ["order_rejected"]
    again = world.send()
    assert again.replayed
    assert again.reply == first.reply


def test_an_order_that_never_left_is_released(world: World) -> None:
    world.broker.failures["place"] = [NotTaken("refused connection")]
    assert world.send().reply.status == 503
    assert world.now_state() is Released
    assert standing(world.claim(), Released).at.retry


def test_a_token_refused_at_the_order_needs_a_person(world: World) -> None:
    world.broker.failures["place"] = [LoginEnded("expired")]
    answer = world.send()
    assert (answer.reply.status, body(answer)["code"]) == (424, "not_logged_in")
    assert not standing(world.claim(), Released).at.retry
    assert world.inbox.events == ["not_logged_in"]


def test_a_lost_reply_is_found_at_once_in_the_order_book(world: World) -> None:
    world.broker.results.append(Unclear("reset"))
    answer = world.send()
    assert answer.reply.status == 200
    assert world.now_state() is Done
    assert body(answer)["order_id"] == world.broker.book[0].order_id


def test_a_lost_order_is_unknown_and_told(world: World) -> None:
    world.broker.results.append(Unclear("reset"))
    world.broker.unknown_arrives = False
    answer = world.send()
    assert (answer.reply.status, body(answer)["code"]) == (202, "outcome_unknown")
    assert world.now_state() is Unknown
    assert world.inbox.events == ["outcome_unknown"]
    assert world.send().reply.status == 202
    assert len(world.broker.placed) == 1
    assert world.inbox.events == ["outcome_unknown"]


def test_an_equal_alert_that_is_no_resend_tells_that_it_is_blocked(
    world: World,
) -> None:
    world.broker.results.append(Unclear("reset"))
    world.broker.unknown_arrives = False
    world.send(key=None)
    world.wait(600)
    assert world.send(key=None).reply.status == 202
    assert world.inbox.events == ["outcome_unknown", "outcome_unknown"]


def test_out_of_time_before_sending_is_503(world: World) -> None:
    assert world.send(left=0.79).reply.status == 503
    assert world.broker.placed == []
    assert world.now_state() is Released


def test_a_dead_notifier_changes_no_answer_and_stays_to_be_told(world: World) -> None:
    world.inbox.down = True
    assert world.send(symbol="X").reply.status == 400
    assert len(world.claim().outbox) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_doubtful_claim_is_settled_by_reading(world: World, when: str) -> None:
    world.store.lost["create"] = [when]
    status = world.send().reply.status
    assert status == (503 if when == "before" else 200)
    assert len(world.broker.placed) == (when == "after")


@pytest.mark.parametrize("when", ["before", "after"])
def test_sending_counts_only_when_confirmed(world: World, when: str) -> None:
    world.store.lost["sending"] = [when]
    status = world.send().reply.status
    assert status == (503 if when == "before" else 200)
    assert len(world.broker.placed) == (when == "after")
    assert world.now_state() is (Released if when == "before" else Done)


def test_sending_that_cannot_be_read_back_sends_nothing(world: World) -> None:
    world.store.lost = {"sending": ["after"], "read": ["before", "before"]}
    assert world.send().reply.status == 503
    assert world.broker.placed == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_doubtful_done_never_changes_the_answer(world: World, when: str) -> None:
    world.store.lost = {"done": [when], "read": ["before"] * 5}
    assert world.send().reply.status == 200


def test_a_delivery_waits_for_the_first_to_replay(world: World) -> None:
    first = {}

    def meanwhile(call: str) -> None:
        if call == "place":
            world.broker.before = None
            first["second"] = world.send()

    world.broker.before = meanwhile
    assert world.send().reply.status == 200
    assert first["second"].reply.status == 409
    assert len(world.broker.placed) == 1


def test_a_duplicate_of_a_claim_not_yet_sent_is_503(world: World) -> None:
    seen = {}

    def meanwhile(call: str) -> None:
        if call == "quote":
            world.broker.before = None
            seen["second"] = world.send()

    world.broker.before = meanwhile
    assert world.send().reply.status == 200
    assert seen["second"].reply.status == 503
    assert len(world.broker.placed) == 1


def test_a_lapsed_claim_is_taken_over_and_its_owner_sends_nothing(
    world: World,
) -> None:
    seen = {}

    def meanwhile(call: str) -> None:
        if call == "positions":
            world.broker.before = None
            world.wait(5)
            seen["second"] = world.send()

    world.broker.before = meanwhile
    first = world.send(left=30)
    assert seen["second"].reply.status == 200
    assert first.reply == seen["second"].reply
    assert len(world.broker.placed) == 1


def test_an_orphaned_sending_becomes_unknown(world: World) -> None:
    world.dies("place", "SELL", key="k")
    assert world.now_state() is Sending
    world.wait(5)
    assert world.send().reply.status == 202
    assert world.now_state() is Unknown
    assert world.inbox.events == ["outcome_unknown"]


@pytest.mark.parametrize("settled", [Unknown, NotSent])
def test_a_late_acceptance_wins_and_corrects_the_owner(
    world: World, settled: type[State]
) -> None:
    """Another instance's clock ran ahead and it gave the order up for unknown."""

    def meanwhile(call: str) -> None:
        if call == "place":
            world.broker.before = None
            world.conclude(settled)

    world.broker.before = meanwhile
    assert world.send().reply.status == 200
    assert world.now_state() is Done
    assert world.inbox.events == ["order_found"]
    assert "Correction" in world.inbox.notices[0].message


def test_no_5xx_after_an_order_call_even_with_the_store_away(world: World) -> None:
    """Somebody gave the order up, the store falls silent, the outcome is unknown."""

    def meanwhile(call: str) -> None:
        if call == "place":
            world.broker.before = None
            world.conclude(Unknown)
            world.store.lost["read"] = ["before"] * 9

    world.broker.before = meanwhile
    world.broker.results.append(Unclear("reset"))
    world.broker.unknown_arrives = False
    assert world.send().reply.status == 202


@pytest.mark.parametrize("lost", [False, True], ids=["placed", "found"])
def test_an_order_after_a_told_refusal_corrects_the_owner(
    world: World, lost: bool
) -> None:
    world.broker.prices[TICKER] = None
    assert world.send().reply.status == 400
    world.broker.prices[TICKER] = Decimal(100)
    if lost:
        world.broker.results.append(Unclear("reset"))
    assert world.send().reply.status == 200
    assert world.inbox.events == ["ltp_unavailable", "order_found"]


@pytest.mark.parametrize("how", ["dies", "is released"])
def test_an_unexecuted_alert_is_told_though_an_equal_one_takes_its_place(
    world: World, how: str
) -> None:
    def die(call: str) -> None:
        if call == "quote":
            world.broker.before = None
            raise SystemExit if how == "dies" else Unreadable("html")

    world.broker.before = die
    with contextlib.suppress(SystemExit):
        world.send(key=None)
    world.wait(31)
    assert world.send(key=None).reply.status == 200
    world.reconcile(after=1)
    assert world.inbox.events == ["not_sent"]


def test_a_slow_resend_past_the_window_is_the_same_alert(world: World) -> None:
    world.broker.failures["quote"] = [Unreadable("html")]
    assert world.send(key=None).reply.status == 503
    world.wait(24)
    assert world.send(key=None).reply.status == 200
    assert world.inbox.events == []


def test_a_settled_absence_answers_410(world: World) -> None:
    world.broker.results.append(Unclear("reset"))
    world.broker.unknown_arrives = False
    world.send()
    world.reconcile(after=60)
    answer = world.send()
    assert (answer.reply.status, body(answer)["code"]) == (410, "not_sent")


def test_an_unforeseen_failure_before_sending_is_released(world: World) -> None:
    world.broker.failures["positions"] = [RuntimeError("bug")]
    assert world.send().reply.status == 503
    assert world.now_state() is Released


def test_an_unforeseen_failure_at_the_order_is_unknown(world: World) -> None:
    world.broker.failures["place"] = [RuntimeError("bug")]
    assert world.send().reply.status == 202
    assert world.now_state() is Unknown
    assert world.inbox.events == ["outcome_unknown"]


def test_no_5xx_after_an_unforeseen_failure_with_the_store_away(world: World) -> None:
    def meanwhile(call: str) -> None:
        if call == "place":
            world.store.lost["read"] = ["before"] * 9
            raise RuntimeError("bug")

    world.broker.before = meanwhile
    assert world.send().reply.status == 202


def test_an_alert_taken_over_late_is_replayed_like_any_other(world: World) -> None:
    world.broker.failures["quote"] = [Unreadable("html")]
    world.send(key=None)
    world.wait(19.5)
    assert world.send(key=None).reply.status == 200
    world.wait(1)
    assert world.send(key=None).replayed


def test_a_cover_found_after_a_lost_reply_takes_the_exits_too(world: World) -> None:
    world.send()
    world.broker.results.append(Unclear("reset"))
    assert world.send("BUY", key="k2").reply.status == 200
    assert len(world.broker.cancelled) == 2


@pytest.mark.parametrize("how", ["open", "works"])
def test_a_long_beside_a_short_is_refused(world: World, how: str) -> None:
    world.broker.fills = how == "open"
    world.send()
    answer = world.send("LONG", key="k2")
    assert (answer.reply.status, body(answer)["code"]) == (400, "opposite_position")
    assert len(world.broker.placed) == 1


def test_a_long_beside_a_short_of_other_hands_is_refused(world: World) -> None:
    world.broker.hold(TICKER, "INTRADAY", -65)
    assert body(world.send("LONG"))["code"] == "opposite_position"


def test_a_sell_beside_a_working_long_is_refused(world: World) -> None:
    world.broker.fills = False
    world.send("LONG")
    assert body(world.send("SELL", key="k2"))["code"] == "opposite_position"


@pytest.mark.parametrize(("first", "second"), [("SELL", "LONG"), ("LONG", "SELL")])
def test_an_entry_waits_for_one_of_the_other_side_that_is_on_its_way(
    world: World, first: str, second: str
) -> None:
    world.broker.fills = False
    world.send(first)
    world.broker.book.clear()
    assert world.send(second, key="k2").reply.status == 503
    assert len(world.broker.placed) == 1


def test_a_sell_reduces_a_long_that_positions_do_not_show_yet(world: World) -> None:
    world.send("LONG")
    world.broker.hold(TICKER, "INTRADAY", 0)
    answer = world.send("SELL", key="k2")
    assert (answer.reply.status, body(answer)["qty"]) == (200, 65)
    assert world.broker.placed[1].stop_loss is None


def test_a_long_beside_a_long_is_taken(world: World) -> None:
    world.send("LONG")
    assert world.send("LONG", key="k2").reply.status == 200


def test_unsettled_claims_never_expire(world: World) -> None:
    world.broker.results.append(Unclear("reset"))
    world.broker.unknown_arrives = False
    world.send()
    assert "expires_at" not in claim_codec.encode(world.claim())
    world.wait(timedelta(days=3).total_seconds())
    assert world.send().reply.status == 202
    assert len(world.broker.placed) == 1


def test_the_store_being_away_is_503_and_nothing_is_sent(world: World) -> None:
    world.store.lost = {"create": ["before"] * 2, "read": ["before"] * 2}
    world.send()
    answer = world.send()
    assert (answer.reply.status, body(answer)["code"]) == (503, "unavailable")
    assert world.broker.placed == []
    assert world.inbox.events == ["delivery_failed"]


def test_what_is_stored_holds_no_secret(world: World) -> None:
    world.send()
    found = world.sql("SELECT document FROM documents")
    assert found
    assert "s3cret" not in "".join(found)


def test_unavailable_symbols_are_503(world: World) -> None:
    world.login = Unavailable("no store")
    assert world.send().reply.status == 503
