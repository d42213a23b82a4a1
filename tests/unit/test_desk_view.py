"""What the desk says of a reading, situation by situation."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from shared.desk import Tone, front, past
from shared.desk.words import grouped, price, rupees
from shared.guard.state import DayTotal, Realized, Verdict
from shared.guardrails import Limits, Pause, Place
from shared.idempotency import (
    Child,
    Claimed,
    Done,
    NotSent,
    Released,
    Reply,
    Sending,
    State,
    Unknown,
)
from shared.models import IST, PAPER, Product
from tests.unit.desk_board import (
    CALL,
    NOW,
    PUT,
    SIX,
    board,
    contract,
    control,
    ended,
    entry,
    guard,
    placed,
    refused,
    risk,
    slip,
    watch,
)


def test_an_empty_morning_is_quiet() -> None:
    view = front(board())
    assert view.sentence == "All quiet. Nothing is open. 0 of 10 entries used."
    assert view.tone is Tone.GOOD
    assert (view.alarms, view.holdings, view.tales) == ((), (), ())


def test_a_busy_morning_is_one_sentence() -> None:
    view = front(
        board(
            claims=(entry(CALL, 20), entry(PUT, 21)),
            control=control(3),
            guard=guard(watch(CALL), watch(PUT)),
        )
    )
    assert view.sentence == (
        "All quiet. 2 shorts open, both with stop and target. 3 of 10 entries used."
    )


@pytest.mark.parametrize(
    ("watches", "words"),
    [
        ((watch(),), "1 short open, with stop and target."),
        ((watch(net=65),), "1 long open, with stop and target."),
        ((watch(), watch(PUT, 65)), "1 short and 1 long open, both with"),
        ((watch(stop=None),), "1 short open without a stop."),
        ((watch(), watch(PUT, stop=None)), "2 shorts open, 1 of them without a stop."),
        ((watch(target=None),), "1 short open, 1 of them without a target."),
        ((watch(net=0),), "Nothing is open."),
    ],
)
def test_the_sentence_counts_what_is_open(
    watches: tuple[object, ...], words: str
) -> None:
    assert words in front(board(guard=guard(*watches))).sentence  # type: ignore[arg-type]  # built above


def test_a_pause_is_said_with_its_reason() -> None:
    paused = Pause("by an alert", NOW - timedelta(minutes=30))
    view = front(board(control=control(paused=paused)))
    assert view.sentence.startswith("Entries are paused. ")
    assert view.paused == "since 10:12 (by an alert)"
    assert view.tone is Tone.IDLE


def test_paper_entries_use_nothing_of_the_limit() -> None:
    """The guardrail counts them apart, and so does the sentence."""
    places = (Place("a", CALL, 1, NOW), Place("b", CALL, 1, NOW, paper=True))
    view = front(board(control=control(places=places)))
    assert view.sentence.endswith("1 of 10 entries used.")
    assert view.rails[0].used == "1 of 10"


def test_without_a_limit_entries_are_counted_from_the_alerts() -> None:
    rules = replace(board().rules, limits=Limits())
    view = front(board(rules=rules, claims=(entry(minute=20), refused())))
    assert view.sentence.endswith("1 entry today.")


# --- What needs a hand ----------------------------------------------------------------


def test_a_told_risk_needs_a_hand_with_its_buttons() -> None:
    view = front(board(claims=(entry(),), guard=guard(watch(risks=(risk(),)))))
    (alarm,) = view.alarms
    assert view.sentence.startswith("One thing needs you. ")
    assert view.tone is Tone.BAD
    assert alarm.text == (
        "65 NIFTY 25800 CE 1 Dec has no working stop loss. Place it, or close."
    )
    assert (alarm.ticker, alarm.verdict) == (CALL, Verdict.EXITS_MISSING)
    assert alarm.exits
    assert view.holdings[0].tone is Tone.BAD


def test_a_risk_that_may_still_pass_is_not_red() -> None:
    view = front(board(guard=guard(watch(risks=(risk(told_at=None),)))))
    assert view.alarms == ()


def test_an_acknowledged_risk_stays_in_sight_without_red() -> None:
    view = front(board(guard=guard(watch(risks=(risk(acknowledged=True),)))))
    assert view.alarms == ()
    assert len(view.noticed) == 1
    assert view.sentence.startswith("All quiet.")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_is_said_in_words(verdict: Verdict) -> None:
    view = front(board(guard=guard(watch(risks=(risk(verdict),)))))
    (alarm,) = view.alarms
    assert "_" not in alarm.text
    assert alarm.text.endswith(".")


def test_nobody_watching_needs_a_hand() -> None:
    late = guard(ran_at=NOW - timedelta(minutes=6))
    (alarm,) = front(board(guard=late)).alarms
    assert "stopped running" in alarm.text
    (alarm,) = front(board(guard=None)).alarms
    assert "has not run yet" in alarm.text


def test_a_blind_guard_needs_a_hand() -> None:
    blind = guard(blind_since=NOW - timedelta(minutes=4), blind_told=True)
    (alarm,) = front(board(guard=blind)).alarms
    assert "cannot be checked" in alarm.text
    assert alarm.since == NOW - timedelta(minutes=4)


def test_an_ended_login_needs_a_hand_with_the_way_to_log_in() -> None:
    (alarm,) = front(board(connected_until=NOW)).alarms
    assert alarm.login


def test_an_unknown_order_needs_a_hand_and_is_not_to_be_repeated() -> None:
    unknown = entry(at=Unknown(slip(), "no answer"))
    (alarm,) = front(board(claims=(unknown,))).alarms
    assert "do not place it by hand yet" in alarm.text


def test_a_close_that_was_not_sent_needs_a_hand_while_its_position_is_open() -> None:
    lost = entry(minute=25, what="BUY NIFTY 25800 CE", at=NotSent(SIX))
    view = front(board(claims=(lost,), guard=guard(watch())))
    (alarm,) = view.alarms
    assert "was not sent" in alarm.text
    assert alarm.exits
    assert front(board(claims=(lost,))).alarms == ()


# --- Positions, guardrails, facts -----------------------------------------------------


def test_a_paper_position_is_shown_and_not_counted() -> None:
    paper = guard(watch(f"{PAPER}{CALL}"))
    view = front(board(claims=(entry(f"{PAPER}{CALL}"),), paper=paper))
    (one,) = view.holdings
    assert one.paper
    assert one.what == "NIFTY 25800 CE 1 Dec"
    assert "Nothing is open." in view.sentence


def test_a_contract_of_an_earlier_day_has_its_words_from_the_ledger() -> None:
    view = front(board(ledger=(entry(),), guard=guard(watch())))
    assert view.holdings[0].what == "NIFTY 25800 CE 1 Dec"
    assert front(board(guard=guard(watch()))).holdings[0].what == CALL


def test_the_guardrails_say_what_is_used() -> None:
    view = front(
        board(
            claims=(entry(), ended("-1800", 5, PUT)),
            control=control(3),
            guard=guard(watch(net=-130, rupees=Decimal(-700))),
        )
    )
    rails = {rail.name: (rail.used, rail.percent) for rail in view.rails}
    assert rails == {
        "Entries today": ("3 of 10", 30),
        "Lots open": ("2 of 4", 50),
        "Loss today": ("₹2,500 of ₹5,000", 50),
        "Entry window": ("09:15–15:10, open now", None),
        "Square-off of INTRADAY": ("15:10", None),
    }


def test_a_reached_loss_holds_for_the_day() -> None:
    view = front(board(control=control(loss_on=NOW.date())))
    (rail,) = (rail for rail in view.rails if rail.name == "Loss today")
    assert "reached" in rail.used
    assert rail.percent == 100


def test_the_facts_tell_how_it_stands() -> None:
    assert dict(front(board(claims=(entry(),))).facts) == {
        "FYERS": "connected until 06:00 tomorrow",
        "Entries": "taken",
        "Last alert": "09:20",
        "Last check": "10:41",
        "Notifications": "on",
    }


def test_days_before_are_weekdays() -> None:
    assert [one.day for one in front(board()).before[:3]] == [
        date(2026, 11, 24),
        date(2026, 11, 23),
        date(2026, 11, 20),
    ]


def test_days_before_carry_what_they_brought_in() -> None:
    """Also yesterday, before the first run of today has summed it up."""
    state = guard(
        totals=(DayTotal(date(2026, 11, 20), Decimal("-1250")),),
        realized_on=date(2026, 11, 24),
        realized=(Realized(CALL, Decimal(1300)), Realized(PUT, Decimal(-65))),
    )
    tuesday, monday, friday, *_ = front(board(guard=state)).before
    assert [tuesday.rupees, monday.rupees, friday.rupees] == [1235, None, -1250]
    assert past(date(2026, 11, 23), (), state).before[0].rupees == -1250


# --- Alerts and the day's line --------------------------------------------------------


def test_the_newest_alert_stands_first() -> None:
    tales = front(board(claims=(entry(minute=20), refused(30)))).tales
    assert [tale.outcome for tale in tales] == ["refused", "placed"]


def test_an_order_opens_to_its_story_with_times() -> None:
    (tale,) = front(board(claims=(ended("1250", 30),))).tales
    assert tale.outcome == "filled at 181.30"
    assert [step.text for step in tale.steps] == [
        "received and claimed: SELL NIFTY 25800 CE WEEKLY",
        f"sent: SELL 65 {CALL} INTRADAY, price 181.20, stop 208.40, target 135.90",
        "accepted by FYERS as 261125000001",
        "filled: 65 at 181.30",
        "ended: nothing open, nothing working, +₹1,250 realized before charges",
    ]
    assert [step.at is not None for step in tale.steps] == [True] * 3 + [False, True]


def test_a_line_says_the_alerts_own_verb() -> None:
    lines = [
        front(board(claims=(entry(what=what),))).tales[0].what
        for what in ("LONG NIFTY 25800 CE WEEKLY", "EXIT ALL", "square-off")
    ]
    assert lines == [
        "LONG 65 NIFTY 25800 CE 1 Dec",
        "EXIT 65 NIFTY 25800 CE 1 Dec",
        "SELL 65 NIFTY 25800 CE 1 Dec",
    ]


@pytest.mark.parametrize(
    "at",
    [
        Claimed(),
        Sending(slip()),
        Unknown(slip(), "because"),
        Released(SIX, "because"),
        placed(),
        NotSent(SIX, "because"),
    ],
    ids=lambda at: at.name,
)
def test_every_state_has_an_outcome_and_a_story(at: State) -> None:
    (tale,) = front(board(claims=(entry(at=at),))).tales
    assert tale.outcome
    assert tale.steps


def test_what_the_guard_told_of_an_order_stands_in_its_story() -> None:
    name = f"{slip().order.tag}:part_filled"
    seen = replace(watch(), reported=(name,))
    (tale,) = front(board(claims=(entry(),), guard=guard(seen))).tales
    assert tale.steps[-1].text == "the guard saw: part filled"


def test_an_exit_of_several_names_what_it_closes() -> None:
    parent = entry(
        what="EXIT ALL",
        at=Done(Reply(200, "{}"), SIX),
        children=(Child(contract(PUT), Product.INTRADAY),),
    )
    (tale,) = front(board(claims=(parent,))).tales
    assert "closes NIFTY 25800 PE 1 Dec INTRADAY" in tale.steps[1].text


def test_the_days_line_adds_up_in_the_order_things_ended() -> None:
    claims = (ended("-300", 40, PUT), ended("1250", 15), ended("99", 20, PAPER + CALL))
    curve = front(board(claims=claims)).curve
    assert [amount for _, amount in curve.points] == [Decimal(1250), Decimal(950)]
    assert curve.points[0][0] == datetime(2026, 11, 25, 10, 15, tzinfo=IST)
    assert curve.total == 950


def test_another_day_has_its_journal_and_the_days_before_it() -> None:
    view = past(date(2026, 11, 24), (ended("-300", 40),), None)
    assert view.curve.total == -300
    assert view.before[0].day == date(2026, 11, 23)
    assert len(view.tales) == 1


# --- Words ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "₹0"),
        ("999.5", "+₹1,000"),
        ("-1250", "−₹1,250"),
        ("125000", "+₹1,25,000"),
        ("-12345678", "−₹1,23,45,678"),
        ("-0.4", "₹0"),
    ],
)
def test_rupees_are_grouped_as_in_india(amount: str, words: str) -> None:
    assert rupees(Decimal(amount)) == words


def test_small_numbers_are_not_grouped() -> None:
    assert [grouped(number) for number in (7, 999, 1000)] == ["7", "999", "1,000"]
    assert price(None) == "–"
