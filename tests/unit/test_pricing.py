"""Exits: distances on the tick, levels on their right side."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BadRequest
from shared.models import Action, ExitWish, Quote, Unit
from shared.pricing import Percents, distance, exits, live_price

D = Decimal
TICK = D("0.05")
DEFAULTS = Percents(D(15), D(25))


def level(price: str | None) -> ExitWish | None:
    return None if price is None else ExitWish(D(price))


def wish(value: str, unit: Unit) -> ExitWish:
    return ExitWish(D(value), unit)


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
    found = exits(Action.SELL, D("90.35"), TICK, DEFAULTS, level("120.5"), level("60"))
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
            level(sl),
            level(tp),
        )


def test_a_level_on_the_wrong_side_never_refuses_a_close() -> None:
    wrong = (level("120"), level("60"))
    found = exits(Action.BUY, D(100), TICK, DEFAULTS, *wrong, entry=False)
    assert found == exits(Action.BUY, D(100), TICK, DEFAULTS)


def legs(side: Action, *wishes: ExitWish | None) -> tuple[Decimal, Decimal]:
    """Return stop and target level at 100."""
    found = exits(side, D(100), TICK, DEFAULTS, *wishes)
    assert found.stop is not None
    assert found.target is not None
    return found.stop.level, found.target.level


def test_percent_and_points_are_distances_from_the_price() -> None:
    ten, thirty = wish("10", Unit.PERCENT), wish("30.02", Unit.POINTS)
    assert legs(Action.SELL, ten, thirty) == (D(110), D(70))
    assert legs(Action.BUY, ten, thirty) == (D(90), D(130))


def test_a_level_on_the_wrong_side_of_a_long_is_refused() -> None:
    with pytest.raises(
        BadRequest, match=r"^sl must be below the LTP of 100 for a LONG"
    ):
        legs(Action.BUY, level("120"), None)


@pytest.mark.parametrize(
    ("side", "sl", "tp", "says"),
    [
        (Action.SELL, wish("2000.05", Unit.LEVEL), None, "sl would be more than 20"),
        (Action.SELL, wish("25900", Unit.LEVEL), None, "sl would be more than 20"),
        (Action.BUY, None, wish("25900", Unit.LEVEL), "tp would be more than 20"),
        (Action.SELL, wish("1901", Unit.PERCENT), None, "slPercent would be more"),
        (Action.SELL, wish("1900.5", Unit.POINTS), None, "slPoints would be more"),
        (Action.SELL, None, wish("100", Unit.PERCENT), "tpPercent would be below"),
        (Action.SELL, None, wish("0.02", Unit.LEVEL), "tp would be below one tick"),
        (Action.BUY, wish("100", Unit.POINTS), None, "slPoints would be below"),
    ],
)
def test_a_level_where_no_exit_can_stand_is_refused(
    side: Action, sl: ExitWish | None, tp: ExitWish | None, says: str
) -> None:
    with pytest.raises(BadRequest, match=f"^{says}"):
        exits(side, D(100), TICK, DEFAULTS, sl, tp)
    assert exits(side, D(100), TICK, DEFAULTS, sl, tp, entry=False) == exits(
        side, D(100), TICK, DEFAULTS
    )


def test_a_level_of_twenty_times_the_price_is_taken() -> None:
    assert legs(Action.SELL, level("2000"), None)[0] == 2000


@pytest.mark.parametrize(
    ("last", "bid", "ask", "alive"),
    [
        ("90", "89.9", "90.1", "90"),
        ("200", "89.9", "90.1", "90.1"),
        ("5", "49.9", "51", "49.9"),
        ("90", None, None, "90"),
        ("90", "95", None, "95"),
        ("90", None, "85", "85"),
        ("90", "99", "80", "90"),
        (None, "89.9", "90.1", None),
    ],
)
def test_distances_start_from_a_price_that_is_alive(
    last: str | None, bid: str | None, ask: str | None, alive: str | None
) -> None:
    given = [None if text is None else D(text) for text in (last, bid, ask)]
    assert live_price(Quote(*given)) == (None if alive is None else D(alive))


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
