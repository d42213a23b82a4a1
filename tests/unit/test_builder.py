"""The alert builder: what it makes is what the webhook takes, and it says so."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from itertools import product

import pytest

from shared import alerts
from shared.builder import ACTIONS, PLACEHOLDER, Draft, EntryRules, draft
from shared.errors import Unavailable
from shared.models import IST, RelativeStrike, Verb
from shared.pricing import Percents
from shared.symbols import Symbols
from tests.unit.symbol_rows import FOREVER, NOW, Clockwork, KeptBytes, bse, packed

RULES = EntryRules(Percents(Decimal(15), Decimal(25)), attach_exits=True, max_lots=2)


def symbols(now: datetime = NOW) -> Symbols:
    stores = {"NSE": KeptBytes(packed()), "BSE": KeptBytes(bse())}
    return Symbols(stores, Clockwork(now))


SYMBOLS = symbols()


def made(picked: Mapping[str, str] | None = None, rules: EntryRules = RULES) -> Draft:
    return draft(picked or {}, SYMBOLS, rules, NOW, FOREVER)


def options(found: Draft, name: str) -> list[str]:
    return [value for p in found.picks if p.name == name for value, _ in p.options]


def test_nothing_picked_is_one_lot_of_nifty_at_the_money_sold() -> None:
    found = made()
    assert json.loads(found.alert) == {
        "token": PLACEHOLDER,
        "action": "SELL",
        "symbol": "NIFTY",
        "strikeprice": "ATM",
        "optionType": "CE",
        "expiry": "WEEKLY",
        "lots": 1,
        "time": "{{timenow}}",
    }
    assert found.says == (
        "Sells 1 lot (65) of NIFTY ATM CE of Tue 10 Feb (the strike and the expiry as "
        "of when it fires), stop 15 % above, target 25 % below the price."
    )


@pytest.mark.parametrize(
    ("picked", "says"),
    [
        (
            {"strikeprice": "25800", "expiry": "2026-02-17"},
            "Sells 1 lot (65) of NIFTY 25800 CE of Tue 17 Feb, stop 15 % above, "
            "target 25 % below the price.",
        ),
        (
            {
                "action": "LONG",
                "symbol": "SENSEX",
                "strikeprice": "1400",
                "expiry": "2026-02-24",
                "optionType": "PE",
                "lots": "2",
                "slPercent": "20.50",
                "tpPercent": "100",
            },
            "Buys 2 lots (130) of SENSEX 1400 PE of Tue 24 Feb, stop 20.5 % below, "
            "target 100 % above the price.",
        ),
        (
            {"action": "BUY", "strikeprice": "25800", "lots": ""},
            "Closes the short of NIFTY 25800 CE of Tue 10 Feb (the expiry as of when "
            "it fires), never more; it opens nothing.",
        ),
        (
            {"action": "BUY", "strikeprice": "25800", "expiry": "2026-02-10"},
            "Closes 1 lot (65) of the short of NIFTY 25800 CE of Tue 10 Feb, never "
            "more; it opens nothing.",
        ),
        (
            {"action": "EXIT", "strikeprice": "25800", "expiry": "2026-02-10"},
            "Closes whatever is open in NIFTY 25800 CE of Tue 10 Feb, with its stop "
            "and target.",
        ),
    ],
)
def test_it_says_what_the_alert_will_do(picked: dict[str, str], says: str) -> None:
    assert made(picked).says == says


def test_without_exits_it_says_so() -> None:
    found = made(rules=EntryRules(RULES.percents, attach_exits=False, max_lots=2))
    assert "without stop and target (ATTACH_EXITS is off)." in found.says


@pytest.mark.parametrize(
    ("picked", "problem"),
    [
        ({"lots": "3"}, "lots may be at most 2 (WEBHOOK_MAX_QTY)"),
        ({"lots": "half"}, "lots must be a whole number of lots"),
        ({"strikeprice": "25801"}, "NIFTY 25801 CE is not listed for 2026-02-10"),
        ({"strikeprice": "OTM21"}, "strikeprice may be at most 20 strikes from ATM"),
        ({"expiry": "2026-02-11"}, "NIFTY has no expiry on 2026-02-11"),
        ({"symbol": "NOPE"}, "NOPE is not an underlying of NSE or BSE options"),
        ({"action": "HOLD"}, "action must be SELL"),
        ({"tpPercent": "100"}, "tpPercent would be below one tick"),
        ({"slPercent": "2000"}, "slPercent would be more than 20 times"),
        ({"slPercent": "{{plot_0}}"}, "slPercent still holds a placeholder"),
        ({"optionType": ""}, "optionType is missing or empty"),
    ],
)
def test_what_the_webhook_would_refuse_is_never_shown_as_an_alert(
    picked: dict[str, str], problem: str
) -> None:
    found = made(picked)
    assert found.problem.startswith(problem)
    assert (found.alert, found.says) == ("", "")


def test_a_value_that_is_not_listed_stays_visible() -> None:
    (pick,) = [p for p in made({"strikeprice": "25801"}).picks if "strike" in p.name]
    assert pick.options[0] == ("25801", "25801 (not listed)")


def test_the_lists_are_those_of_the_snapshot() -> None:
    found = made()
    assert {"NIFTY", "M&M", "SENSEX"} <= set(options(found, "symbol"))
    assert {"NEXT_MONTHLY", "2026-02-10"} <= set(options(found, "expiry"))
    assert {"ATM+2", "OTM5", "25850"} <= set(options(found, "strikeprice"))
    after = datetime(2026, 2, 10, 15, 31, tzinfo=IST)
    later = draft({}, symbols(after), RULES, after, FOREVER)
    assert "2026-02-10" not in options(later, "expiry")


def test_every_pick_makes_an_alert_that_means_what_was_picked() -> None:
    found = made()
    names = ("action", "symbol", "expiry", "strikeprice", "optionType")
    lists = [options(found, name) for name in names]
    lists[0], lists[1] = [str(verb) for verb in ACTIONS], ["NIFTY"]
    count = 0
    for values in product(*lists):
        one = made(dict(zip(names, values, strict=True)))
        if one.problem:
            assert "lists no" in one.problem or "has no" in one.problem
            continue
        body = json.loads(one.alert) | {"time": NOW.isoformat()}
        alert = alerts.parse(alerts.read_body(json.dumps(body).encode()), None, NOW, 60)
        strike = alert.strike
        text = str(strike) if isinstance(strike, RelativeStrike) else f"{strike:f}"
        said = (alert.verb, alert.symbol, str(alert.expiry), text, alert.option_type)
        assert said == values
        assert alert.ignored == ()
        assert (alert.lots or 0) == (0 if alert.verb is Verb.EXIT else 1)
        count += 1
    assert count > 500


def test_only_known_picks_reach_the_alert() -> None:
    assert made({"token": "s3cret", "build": "1"}).alert == made().alert


def test_without_symbols_there_is_nothing_to_build() -> None:
    empty = Symbols({"NSE": KeptBytes(None), "BSE": KeptBytes(None)}, Clockwork())
    with pytest.raises(Unavailable):
        draft({}, empty, RULES, NOW, FOREVER)


def test_one_exchange_is_enough_to_build() -> None:
    half = Symbols({"NSE": KeptBytes(packed()), "BSE": KeptBytes(None)}, Clockwork())
    assert draft({}, half, RULES, NOW, FOREVER).alert
