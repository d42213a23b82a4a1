"""What is repeated after a refusal that proves the call was not taken, and when."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest

from shared.adapters.fyers.orders import FyersBroker
from shared.adapters.fyers.pace import Pace
from shared.broker import LoginEnded, NotTaken, Turn, Unreadable
from shared.errors import Doubtful, Unavailable
from shared.models import (
    Change,
    Deadline,
    Listing,
    OrderResult,
    Placed,
    Quote,
    Token,
    Unclear,
)
from tests.contract.fyers import loopback
from tests.contract.fyers.conftest import APP_ID, Desk, within
from tests.contract.fyers.loopback import Behaviour, error, page, says
from tests.contract.fyers.replies import (
    ACCEPTED,
    EXPIRED,
    ID,
    LEG,
    SELL,
    TICKER,
    booked,
    held,
    quote,
)
from tests.support.stopwatch import Stopwatch


@dataclass(frozen=True)
class Call:
    """One call of the broker and the reply that lets it succeed."""

    make: Callable[[FyersBroker, Turn], object]
    good: Behaviour
    result: object


CALLS = {
    "place": Call(
        lambda broker, turn: broker.place(SELL, turn),
        ACCEPTED,
        Placed(ID, "Successfully placed order"),
    ),
    "quote": Call(
        lambda broker, turn: broker.quote(TICKER, turn),
        quote(120.5),
        Quote(Decimal("120.5")),
    ),
    "positions": Call(
        lambda broker, turn: broker.positions(turn),
        held(),
        Listing(()),
    ),
    "order_book": Call(
        lambda broker, turn: broker.order_book(turn), booked(), Listing(())
    ),
    "market_open": Call(
        lambda broker, turn: broker.market_open(turn),
        says(200, {"s": "ok", "code": 200, "marketStatus": []}),
        False,
    ),
    "cancel": Call(
        lambda broker, turn: broker.cancel([ID], turn),
        says(200, {"s": "ok", "code": 1103, "message": ""}),
        (Change.CONFIRMED,),
    ),
    "cancel several": Call(
        lambda broker, turn: broker.cancel([ID, ID], turn),
        says(200, {"s": "ok", "code": 200, "data": [{"body": {"code": 1103}}] * 2}),
        (Change.CONFIRMED,) * 2,
    ),
    "resize": Call(
        lambda broker, turn: broker.resize(LEG, 65, turn),
        says(200, {"s": "ok", "code": 1102, "message": ""}),
        Change.CONFIRMED,
    ),
}
READS = ("quote", "positions", "order_book", "market_open")
UNCLEAR = {
    "cancel": (Change.UNCLEAR,),
    "cancel several": (Change.UNCLEAR,) * 2,
    "resize": Change.UNCLEAR,
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
every_read = pytest.mark.parametrize("call", [CALLS[name] for name in READS])


@every_call
def test_a_refused_token_is_renewed_and_the_call_repeated(
    desk: Desk, call: Call
) -> None:
    desk.tokens = ["token-1", "token-2"]
    desk.server.script = [EXPIRED, call.good]

    assert call.make(desk.broker, desk.turn()) == call.result
    assert desk.renewed == ["token-1"]
    assert desk.server.requests[1].headers["authorization"] == f"{APP_ID}:token-2"


@pytest.mark.parametrize("name", CALLS)
def test_a_token_refused_twice_is_not_renewed_again(desk: Desk, name: str) -> None:
    desk.tokens = ["token-1", "token-2", "token-3"]
    desk.server.script = [EXPIRED, EXPIRED, CALLS[name].good]
    end: object = None
    try:
        end = CALLS[name].make(desk.broker, desk.turn())
    except NotTaken as refusal:
        end = isinstance(refusal, LoginEnded)

    # cancel and resize never raise: they say that nothing is confirmed
    assert end == UNCLEAR.get(name, True)
    assert len(desk.server.requests) == 2


@pytest.mark.parametrize("name", ["place", *READS])
def test_without_any_token_a_person_must_log_in(desk: Desk, name: str) -> None:
    desk.tokens = []

    with pytest.raises(LoginEnded):
        CALLS[name].make(desk.broker, desk.turn())
    assert desk.server.requests == []


@pytest.mark.parametrize("name", UNCLEAR)
def test_without_any_token_nothing_is_confirmed(desk: Desk, name: str) -> None:
    desk.tokens = []

    assert CALLS[name].make(desk.broker, desk.turn()) == UNCLEAR[name]


def test_a_token_that_cannot_be_renewed_needs_a_person(desk: Desk) -> None:
    desk.server.script = [EXPIRED]

    with pytest.raises(LoginEnded):
        desk.broker.place(SELL, desk.turn())


@pytest.mark.parametrize("failure", [Unavailable("store"), Doubtful("store")])
def test_an_order_whose_token_cannot_be_read_is_not_taken(
    desk: Desk, failure: Exception
) -> None:
    broker = _without_token(desk, failure)

    with pytest.raises(NotTaken) as caught:
        broker.place(SELL, broker.turn(1, within()))
    assert not isinstance(caught.value, LoginEnded)


@pytest.mark.parametrize("failure", [Unavailable("store"), Doubtful("store")])
def test_a_read_whose_token_cannot_be_read_is_unreadable(
    desk: Desk, failure: Exception
) -> None:
    broker = _without_token(desk, failure)

    with pytest.raises(Unreadable):
        broker.positions(broker.turn(1, within()))


@every_call
def test_a_short_429_is_waited_out_and_the_call_repeated(
    desk: Desk, call: Call
) -> None:
    limited = says(
        429,
        {"s": "error", "code": -429, "message": "Request limit reached"},
        Retry_After="1",
        X_Retry_After_Ms="300",
    )
    desk.server.script = [limited, call.good]

    assert call.make(desk.broker, desk.turn()) == call.result
    assert desk.pauses == [0.3]


@every_read
def test_a_429_without_a_wait_is_repeated_for_a_read(desk: Desk, call: Call) -> None:
    desk.server.script = [error(429, 429, "request limit reached"), call.good]

    assert call.make(desk.broker, desk.turn()) == call.result
    assert desk.pauses == [0.5]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, 2.0), ({"Retry_After": "2"}, 5.0), ({"Retry_After": "1"}, 1.1)],
    ids=["no wait named", "too long a wait", "too little time left"],
)
def test_another_429_is_not_taken(
    desk: Desk, headers: dict[str, str], seconds: float
) -> None:
    limited = says(429, {"s": "error", "code": -429, "message": "x"}, **headers)
    desk.server.script = [limited, ACCEPTED]

    with pytest.raises(NotTaken, match="rate limit"):
        desk.broker.place(SELL, desk.turn(seconds))
    assert len(desk.server.requests) == 1


@every_read
def test_a_read_under_a_long_429_is_unreadable_at_once(desk: Desk, call: Call) -> None:
    limited = says(429, {"s": "error", "code": -429, "message": "x"}, Retry_After="60")
    desk.server.script = [limited, call.good]

    with pytest.raises(Unreadable):
        call.make(desk.broker, desk.turn())
    assert len(desk.server.requests) == 1


def test_an_order_refused_by_two_429s_is_not_taken(desk: Desk) -> None:
    limited = says(429, {"s": "error", "code": -429, "message": "x"}, Retry_After="0")
    desk.server.script = [limited, limited, ACCEPTED]

    with pytest.raises(NotTaken):
        desk.broker.place(SELL, desk.turn())
    assert len(desk.server.requests) == 2


def test_an_order_is_not_repeated_after_a_cloudflare_429(desk: Desk) -> None:
    html = page(429, b"<html>Error 1015</html>", headers={"Retry-After": "0"})
    desk.server.script = [html, ACCEPTED]

    assert isinstance(desk.broker.place(SELL, desk.turn()), Unclear)
    assert len(desk.server.requests) == 1


def test_an_order_that_went_wrong_after_its_401_is_unknown(desk: Desk) -> None:
    desk.tokens = ["token-1", "token-2"]
    desk.server.script = [EXPIRED, loopback.reset]

    assert isinstance(desk.broker.place(SELL, desk.turn()), Unclear)


def test_an_order_is_not_begun_without_time(desk: Desk) -> None:
    desk.server.script = [ACCEPTED]

    with pytest.raises(NotTaken, match="no time"):
        desk.broker.place(SELL, desk.turn(0.1))
    assert desk.server.requests == []


def test_an_order_ends_by_its_deadline(desk: Desk) -> None:
    desk.server.script = [loopback.hang]
    with Stopwatch() as took:
        result: OrderResult = desk.broker.place(SELL, desk.turn(0.3))

    assert isinstance(result, Unclear)
    assert took.seconds < 0.6


@pytest.mark.parametrize(
    "refusal",
    [
        EXPIRED,
        says(429, {"s": "error", "code": 429, "message": "x"}, Retry_After="0"),
        page(502, b""),
    ],
    ids=["401", "429", "502"],
)
def test_a_repeat_leaves_the_orders_place_alone(desk: Desk, refusal: Behaviour) -> None:
    desk.tokens = ["token-1", "token-2"]
    desk.server.script = [refusal, quote(120.5)]
    turn = Pace(10, time.monotonic, time.sleep).reserve(2, within())
    desk.broker.quote(TICKER, turn)

    assert turn.places == 1


def test_a_foreign_turn_is_paced_too(desk: Desk) -> None:
    desk.server.script = [ACCEPTED]

    @dataclass
    class Plain:
        deadline: Deadline

    assert isinstance(desk.broker.place(SELL, Plain(within())), Placed)


def _without_token(desk: Desk, failure: Exception) -> FyersBroker:
    def fail(*_: object) -> Token:
        raise failure

    return FyersBroker(desk.transport, desk.pace, fail, fail, desk.pauses.append)
