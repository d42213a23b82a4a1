"""The table that decides about money, row by row over real connections."""

from __future__ import annotations

import inspect
import json
import socket
import time
from types import ModuleType

import pytest
import requests
import urllib3.exceptions
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from shared.adapters.fyers import outcomes, rows
from shared.adapters.fyers.transport import Answered, Failed, Record, Transport
from shared.broker import LoginEnded, NotTaken, Unreadable
from shared.models import Deadline, Placed, Rejected, Secret, Unclear
from tests.contract.fyers import loopback
from tests.contract.fyers.conftest import APP_ID, Desk, within
from tests.contract.fyers.loopback import Behaviour, error, page, says

ID = "26112300000001"
TOO_FAST = "Request limit reached, refresh after few mins"
RED = "RED:Margin Shortfall:INR 2,78,806.74 Available:INR 0 for C-XX00001 [FYERS_RISK]"
GOOD = {"code": 1101, "message": "Successfully placed order", "s": "ok", "id": ID}

SLICED = {"code": 1101, "message": ""}


def piece(order_id: object, code: int = 1101, message: str = "") -> dict[str, object]:
    body = {"id": order_id, "code": code, "message": message, "s": "ok"}
    return {"statusCode": 200, "body": body, "statusDescription": "OK"}


PLACED = Placed(ID, "Successfully placed order")
MASKED = "RED:Margin Shortfall:INR 2,78,806.74 Available:INR 0 for C-*** [FYERS_RISK]"


def order(desk: Desk, seconds: float = 0.4) -> Record:
    return desk.transport.ask(
        lambda fyers: fyers.place_order({"symbol": "NSE:X"}),
        Secret("token-1"),
        within(seconds),
    )


DEFINITE = [
    ("accepted", says(200, GOOD), PLACED),
    (
        "invalid input",
        error(400, -50, "qty: Must be greater than or equal to 1"),
        Rejected(-50, "qty: Must be greater than or equal to 1"),
    ),
    (
        "no permission",
        error(403, -373, "not permitted"),
        Rejected(-373, "not permitted"),
    ),
    ("risk check", error(200, -99, RED, id=ID), Rejected(-99, MASKED, ID)),
    ("risk check without id", error(400, -99, RED), Rejected(-99, MASKED)),
    (
        "in slices",
        says(200, SLICED | {"s": "ok", "data": [piece(ID), piece("2")]}),
        Placed(ID, "", (ID, "2")),
    ),
    (
        "in slices as documented, without s",
        says(200, SLICED | {"data": [piece(ID), piece("2")]}),
        Placed(ID, "", (ID, "2")),
    ),
    (
        "in one slice",
        says(200, SLICED | {"data": [piece(ID)]}),
        Placed(ID, "", (ID,)),
    ),
    (
        "in slices, the first refused",
        says(200, SLICED | {"data": [piece("1", -99, RED), piece("2")]}),
        Placed("2", "", ("2",), (MASKED,)),
    ),
]


@pytest.mark.parametrize(
    ("behaviour", "result"),
    [row[1:] for row in DEFINITE],
    ids=[row[0] for row in DEFINITE],
)
def test_a_definite_answer_says_what_became_of_the_order(
    desk: Desk, behaviour: Behaviour, result: object
) -> None:
    desk.server.script = [behaviour]

    assert outcomes.of_order(order(desk)) == result


NOT_TAKEN = [
    ("429 of the trading endpoints", error(429, -429, TOO_FAST), False),
    ("429 of the data endpoints", error(429, 429, "request limit reached"), False),
    ("expired", error(401, -8, "Your token has expired."), True),
    ("profile's own code", error(401, -17, "Could not authenticate the user"), True),
    ("not authenticated", error(401, -16, "Could not authenticate the user"), True),
    ("data's own code", error(401, -15, "Please provide valid token"), True),
    ("malformed header", error(401, -209, "Please provide the validation"), True),
    ("app id", error(401, -352, "Please provide a valid app id."), True),
]


@pytest.mark.parametrize(
    ("behaviour", "login"),
    [row[1:] for row in NOT_TAKEN],
    ids=[row[0] for row in NOT_TAKEN],
)
def test_a_refusal_before_the_order_counts_is_not_taken(
    desk: Desk, behaviour: Behaviour, login: bool
) -> None:
    desk.server.script = [behaviour]
    record = order(desk)

    with pytest.raises(NotTaken) as caught:
        outcomes.of_order(record)
    assert isinstance(caught.value, LoginEnded) is login


HTML = b"<html><h1>Error 1015</h1></html>"
BODY = json.dumps(GOOD).encode()
UNKNOWN = [
    ("code 201", says(200, {"s": "ok", "code": 201, "message": "", "id": ID})),
    ("HTTP 201", says(201, GOOD)),
    ("1101 without an id", says(200, {"s": "ok", "code": 1101, "message": ""})),
    ("1101 with an empty id", says(200, GOOD | {"id": " "})),
    ("1101 with a null id", says(200, GOOD | {"id": None})),
    ("1101 with a true id", says(200, GOOD | {"id": True})),
    ("1101 as a text", says(200, GOOD | {"code": "1101"})),
    ("1101 without s", says(200, {"code": 1101, "message": "", "id": ID})),
    ("an error's 1101", error(200, 1101, "", id=ID)),
    ("slices all refused", says(200, SLICED | {"data": [piece("1", -99, RED)]})),
    ("slices without an id", says(200, SLICED | {"data": [piece(None)]})),
    ("slices that are no objects", says(200, SLICED | {"data": ["x", {"body": 1}]})),
    ("slices under an error", error(200, 1101, "", data=[piece(ID)])),
    ("slices under 202", says(202, SLICED | {"data": [piece(ID)]})),
    ("400 with another code", error(400, -51, "invalid order id: 1")),
    ("422 with -50", error(422, -50, "Invalid input")),
    ("200 with -50", error(200, -50, "Invalid input")),
    ("400 with -99", error(400, -99, "Bad request")),
    ("200 with -99 and an id", error(200, -99, "refused RED:", id=ID)),
    ("RED under another code", error(200, -51, RED, id=ID)),
    ("500 with -99", error(500, -99, "Something went wrong.")),
    ("500 with RED", error(500, -99, RED)),
    ("503 with 429", error(503, -429, TOO_FAST)),
    ("ok under 401", says(401, GOOD)),
    ("ok under 429", says(429, GOOD)),
    ("302 with RED", error(302, -99, RED)),
    ("404 in JSON", error(404, 404, "not found")),
    ("HTML 200", page(200, HTML)),
    ("HTML 400", page(400, HTML)),
    ("HTML 401", page(401, HTML)),
    ("HTML 403", page(403, HTML)),
    ("HTML 429", page(429, HTML)),
    ("HTML 502", page(502, HTML)),
    ("HTML 504", page(504, HTML)),
    ("foreign JSON 403", says(403, {"title": "Forbidden", "status": 403})),
    ("foreign JSON 429", says(429, {"error": "slow down"})),
    ("foreign JSON 401", says(401, {"code": -16})),
    ("JSON that is no object", says(200, [GOOD])),
    ("deeply nested JSON", page(200, b"[" * 100_000)),
    ("a number beyond decimals", page(200, b'{"code": 1e99999999999999999999}')),
    ("no UTF-8", page(200, b"\xff\xfe\x00")),
    ("empty 200", page(200, b"")),
    ("empty 400", page(400, b"")),
    ("cut 200", page(200, BODY, length=200)),
    ("cut 400", page(400, b'{"s":"error","code":-50,"message":"x"}', length=200)),
    ("whole JSON cut short of its length", page(200, BODY[:-1], length=len(BODY))),
    ("302", page(302, b"", headers={"Location": "/elsewhere"})),
    ("307", page(307, b"", headers={"Location": "/api/v3/orders/sync"})),
    ("reset", loopback.reset),
    ("closed", loopback.close),
    ("hangs", loopback.hang),
    ("hangs in the body", loopback.half_body),
    ("drips", loopback.drip),
    ("no HTTP", loopback.garbage),
]


@pytest.mark.parametrize(
    "behaviour", [row[1] for row in UNKNOWN], ids=[row[0] for row in UNKNOWN]
)
def test_anything_else_leaves_the_order_unknown(
    desk: Desk, behaviour: Behaviour
) -> None:
    desk.server.script = [behaviour]

    assert isinstance(outcomes.of_order(order(desk)), Unclear)


@pytest.mark.parametrize(
    "behaviour", [row[1] for row in UNKNOWN], ids=[row[0] for row in UNKNOWN]
)
def test_an_order_without_a_clean_answer_went_out_once(
    desk: Desk, behaviour: Behaviour
) -> None:
    desk.server.script = [behaviour]
    order(desk)

    assert len(desk.server.requests) == 1


@pytest.mark.parametrize("told", [ID, 26112300000001, f" {ID} "])
@pytest.mark.parametrize("code", [-99, -51, 201])
def test_an_id_in_an_unclear_answer_is_kept_for_the_look(
    desk: Desk, told: object, code: int
) -> None:
    """FYERS sends -99 with HTTP 200 and an id both for refusals and for mishaps."""
    desk.server.script = [error(200, code, "Something went wrong", id=told)]
    found = outcomes.of_order(order(desk))

    assert isinstance(found, Unclear)
    assert found.order_id == ID


def test_an_answer_is_parsed_once_whoever_asks(desk: Desk) -> None:
    desk.server.script = [says(200, GOOD)]
    record = order(desk)
    assert isinstance(record, Answered)
    said = outcomes.envelope(record)

    assert said is not None
    assert said.payload is record.json
    assert record.json is record.json


def test_a_refused_connection_is_not_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    record = _at(f"http://127.0.0.1:{port}")

    with pytest.raises(NotTaken, match="could not be reached"):
        outcomes.of_order(record)


def test_a_host_without_an_address_is_not_taken() -> None:
    record = _at("http://nowhere.invalid")

    with pytest.raises(NotTaken, match="could not be reached"):
        outcomes.of_order(record)


def test_a_connection_that_takes_too_long_to_open_is_not_taken() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        # The accept queue holds one more than its backlog; then connecting hangs.
        waiting = [socket.socket() for _ in range(4)]
        for peer in waiting:
            peer.setblocking(False)
            peer.connect_ex(address)
        record = _at(f"http://127.0.0.1:{address[1]}", seconds=0.3)
        for peer in waiting:
            peer.close()

    with pytest.raises(NotTaken, match="could not be reached"):
        outcomes.of_order(record)


def test_tls_that_fails_leaves_the_order_unknown(desk: Desk) -> None:
    desk.server.script = [loopback.garbage]
    record = _at(desk.server.url.replace("http:", "https:"), seconds=0.5)

    assert isinstance(outcomes.of_order(record), Unclear)


def test_a_call_the_sdk_never_made_leaves_the_order_unknown(desk: Desk) -> None:
    desk.server.script = [says(200, GOOD)]
    order(desk)
    record = desk.transport.ask(
        lambda fyers: fyers.place_order({"qty": object()}), Secret("t"), within()
    )

    assert isinstance(outcomes.of_order(record), Unclear)


def _classes(module: ModuleType) -> list[type[BaseException]]:
    return [
        found
        for _, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, Exception)
    ]


EVERY = [
    *_classes(requests.exceptions),
    *_classes(urllib3.exceptions),
    OSError,
    TimeoutError,
    RuntimeError,
    ValueError,
]
PROVEN = (NewConnectionError, ConnectTimeoutError)


def _bare(found: type[BaseException], *args: object) -> BaseException:
    """Return an instance whatever its constructor wants."""
    made = found.__new__(found, *args)
    made.args = args
    return made


@pytest.mark.parametrize("found", EVERY, ids=lambda found: found.__qualname__)
def test_no_exception_by_itself_proves_that_nothing_was_sent(
    found: type[BaseException],
) -> None:
    assert isinstance(outcomes.of_order(Failed(_bare(found))), Unclear)


@pytest.mark.parametrize("found", EVERY, ids=lambda found: found.__qualname__)
def test_only_a_connection_that_never_opened_proves_it_as_a_reason(
    found: type[BaseException],
) -> None:
    wrapped = _bare(MaxRetryError)
    wrapped.reason = _bare(found)  # type: ignore[attr-defined]  # of MaxRetryError
    record = Failed(requests.ConnectionError(wrapped))

    assert outcomes.never_opened(record.error) is issubclass(found, PROVEN)


@pytest.mark.parametrize("found", EVERY, ids=lambda found: found.__qualname__)
def test_a_reason_outside_a_connection_error_proves_nothing(
    found: type[BaseException],
) -> None:
    wrapped = _bare(MaxRetryError)
    wrapped.reason = _bare(NewConnectionError)  # type: ignore[attr-defined]  # as above
    record = Failed(_bare(found, wrapped))

    proven = issubclass(found, requests.ConnectionError)
    assert outcomes.never_opened(record.error) is proven


@pytest.mark.parametrize("found", EVERY, ids=lambda found: found.__qualname__)
def test_a_read_that_failed_is_unreadable(found: type[BaseException]) -> None:
    with pytest.raises(Unreadable):
        outcomes.of_read(Failed(_bare(found)))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "1"}, 1.0),
        ({"retry-after": "2"}, 2.0),
        ({"Retry-After": "1", "X-Retry-After-Ms": "640"}, 0.64),
        ({"Retry-After": "1", "X-Retry-After-Ms": "soon"}, 1.0),
        ({"Retry-After": "Mon, 23 Nov 2026 10:00:00 GMT"}, None),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
    ],
)
def test_the_wait_a_429_asks_for_is_read_from_its_headers(
    headers: dict[str, str], seconds: float | None
) -> None:
    record = Answered(429, b"", CaseInsensitiveDict(headers))

    assert outcomes.retry_after(record) == seconds


def test_a_failure_asks_for_no_wait() -> None:
    assert outcomes.retry_after(Failed(None)) is None


def test_words_hide_secrets_clients_tokens_and_line_breaks() -> None:
    text = "a\nb C-XX00001 pin 1234 eyJhbGciOi.J9.x-_y\x00 end"

    assert rows.words(text, "1234", "") == "a b C-*** pin *** *** end"


def _at(url: str, seconds: float = 2.0) -> Record:
    return Transport(APP_ID, url, time.monotonic).ask(
        lambda fyers: fyers.place_order({}),
        Secret("t"),
        Deadline(time.monotonic() + seconds, time.monotonic),
    )
