"""Exits: distances on the tick, levels on their right side."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BadRequest
from shared.models import Action
from shared.pricing import Percents, distance, exits

D = Decimal
TICK = D("0.05")
DEFAULTS = Percents(D(15), D(25))


def test_a_sell_has_its_stop_above_and_its_target_below() -> None:
    found = exits(Action.SELL, D(100), TICK, DEFAULTS)
    assert found.stop is not None
    assert found.target is not None
    assert (found.stop.distance, found.stop.level) == (D(15), D(115))
    assert (found.target.distance, found.target.level) == (D(25), D(75))


def test_a_buy_has_them_the_other_way_round() -> None:
    found = exits(Action.BUY, D(100), TICK, DEFAULTS)
    assert found.stop is not None
    assert found.target is not None
    assert (found.stop.level, found.target.level) == (D(85), D(125))


def test_given_levels_become_distances() -> None:
    found = exits(Action.SELL, D("90.35"), TICK, DEFAULTS, D("120.5"), D(60))
    assert found.stop is not None
    assert found.target is not None
    assert (found.stop.distance, found.target.distance) == (D("30.15"), D("30.35"))


@pytest.mark.parametrize(
    ("points", "expected"),
    [("0.01", "0.05"), ("0.07", "0.05"), ("0.075", "0.10"), ("12.34", "12.35")],
)
def test_a_distance_is_the_nearest_tick_and_at_least_one(
    points: str, expected: str
) -> None:
    assert distance(D(points), TICK) == D(expected)


@pytest.mark.parametrize(
    ("sl", "tp", "field"),
    [("99", None, "sl"), ("100", None, "sl"), (None, "101", "tp"), (None, "100", "tp")],
)
def test_a_level_on_the_wrong_side_of_a_sell_is_refused(
    sl: str | None, tp: str | None, field: str
) -> None:
    with pytest.raises(BadRequest, match=f"^{field} must be"):
        exits(
            Action.SELL,
            D(100),
            TICK,
            DEFAULTS,
            (sl and D(sl)) or None,
            (tp and D(tp)) or None,
        )


def test_a_level_on_the_wrong_side_never_refuses_a_buy() -> None:
    found = exits(Action.BUY, D(100), TICK, DEFAULTS, D(120), D(60))
    assert found == exits(Action.BUY, D(100), TICK, DEFAULTS)


def test_a_target_below_one_tick_is_left_out() -> None:
    assert exits(Action.SELL, D("0.05"), TICK, DEFAULTS).target is None


_PRICES = st.decimals("0.05", "5000", places=2).map(lambda p: (p // TICK) * TICK)


@given(
    ltp=_PRICES.filter(bool),
    percent=st.decimals("0.01", "99", places=2),
    action=st.sampled_from(Action),
)
def test_every_distance_is_a_tick_multiple_on_the_right_side(
    ltp: Decimal, percent: Decimal, action: Action
) -> None:
    found = exits(action, ltp, TICK, Percents(percent, percent))
    up = 1 if action is Action.SELL else -1
    for leg, side in ((found.stop, up), (found.target, -up)):
        if leg is not None:
            assert leg.distance >= TICK
            assert leg.distance % TICK == 0
            assert (leg.level - ltp) * side == leg.distance
            assert distance(leg.distance, TICK) == leg.distance
