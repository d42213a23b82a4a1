"""Bodies nobody would send: never a 5xx, never an order, never a secret in a log.

The simulator is told to refuse the login, so that no body, however lucky, can trade; a
well-formed alert then ends with 424. `worlds` searches every log line when it ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.functional.desk import Desk, desks
from tests.functional.login_world import HOOK_SECRET

FIELDS = (
    "symbol",
    "strikeprice",
    "optionType",
    "expiry",
    "action",
    "qty",
    "productType",
    "sl",
    "tp",
    "idempotency_key",
    "time",
    "extra",
)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(
        ["", "NA", "{{x}}", "1e999999", "-0", "٦٥", "\ud800", "SELL", "BO", HOOK_SECRET]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desks(tmp_path_factory.mktemp("fuzz")) as desk:
        # Hundreds of alerts a second: FYERS's own limit would answer most of them.
        desk.change(expire_tokens=True, rate_limits=False)
        yield desk


_BODIES = st.binary(max_size=300)
_CHANGES = st.dictionaries(st.sampled_from(FIELDS), _VALUES, max_size=5)


@settings(max_examples=50)
@given(_BODIES)
def test_bytes_are_refused(desk: Desk, body: bytes) -> None:
    _bytes_are_refused(desk, body)


@pytest.mark.slow
@settings(max_examples=300)
@given(_BODIES)
def test_hundreds_of_bytes_are_refused(desk: Desk, body: bytes) -> None:
    _bytes_are_refused(desk, body)


@settings(max_examples=80)
@given(_CHANGES)
def test_an_authenticated_body_is_refused_with_a_sentence(
    desk: Desk, changes: dict[str, object]
) -> None:
    _refused_with_a_sentence(desk, changes)


@pytest.mark.slow
@settings(max_examples=500)
@given(_CHANGES)
def test_hundreds_of_authenticated_bodies_are_refused_with_a_sentence(
    desk: Desk, changes: dict[str, object]
) -> None:
    _refused_with_a_sentence(desk, changes)


def _bytes_are_refused(desk: Desk, body: bytes) -> None:
    assert desk.post(body).status_code in (400, 401)


def _refused_with_a_sentence(desk: Desk, changes: dict[str, object]) -> None:
    body = json.dumps({**desk.alert(), **changes}).encode()
    reply = desk.post(body)
    assert reply.status_code in (400, 410, 422, 424), reply.text
    content = reply.json()
    assert content["error"]
    assert HOOK_SECRET not in reply.text
    assert desk.orders() == []
