"""The rehearsal over HTTP: what FYERS does otherwise stands in the table, and nothing
stays open in silence."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local import rehearsal
from local.rehearsing.asking import Answer, Fyers, Webhook
from local.rehearsing.course import Course, Plan, Waits
from local.rehearsing.judging import WIDTH
from local.rehearsing.masking import masked
from shared.adapters import token_codec
from shared.adapters.fyers.pace import Pace
from shared.models import Secret
from tests.functional.clocked import SharedClock
from tests.functional.desk import ORDERS, Desk, desks, keep_login
from tests.functional.login_world import HOOK_SECRET

WAITS = Waits(seen=45, leg=14, sibling=2, between=2, glance=1)
ROOT = Path(__file__).resolve().parents[2]
TAG, ID = "the order tag comes back", "the id in the order book"
FILL, PRICE = "a market order trades", "stop and target are at"
PARENT, PRODUCT = "exit legs name", "exit legs carry"
LAG, COVER = "positions and order book", "a cover is taken"
OCO, SLICES = "when stop or target trades", "every slice"
LATE, PRODUCTS = "an INTRADAY close", "INTRADAY then MARGIN"
ASKED = [TAG, ID, FILL, PARENT, PRODUCT, PRICE, LAG, COVER, OCO]
APART = [SLICES, LATE, PRODUCTS]
WORDS = [*ASKED, *APART]

A_BUY = '"side": 1,'


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> SharedClock:
    return SharedClock(tmp_path_factory.mktemp("clock") / "added")


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, clock: SharedClock
) -> Iterator[Desk]:
    clock.set(0, 10, 30)
    folder = tmp_path_factory.mktemp("rehearsal")
    env = {"WEBHOOK_MAX_QTY": "60"}
    with desks(folder, env=env, clock=clock) as desk:
        yield desk


@pytest.fixture
def desk(served: Desk, clock: SharedClock) -> Desk:
    clock.set(0, 10, 30)
    served.clear()
    keep_login(served.world)
    served.change(rate_limits=False)
    return served


@dataclass
class Stage:
    """A rehearsal at the desk; time passes only when it pauses."""

    desk: Desk
    clock: SharedClock
    folder: Path
    said: list[str] = field(default_factory=list)
    when: dict[str, Callable[[], object]] = field(default_factory=dict)
    """What happens as soon as a line begins so."""
    ticker: str = ""

    def say(self, text: str) -> None:
        self.said.append(text)
        if text.startswith("SELL ") and "PAPER" not in text:
            self.ticker = text.split()[2]
            self.desk.change(prices={self.ticker: self.fill()})
        for start, act in self.when.items():
            if text.startswith(start):
                act()

    def fill(self) -> float:
        rows = self.desk.state()["orders"]
        sold = [row for row in rows if row["side"] == -1 and row["type"] == 2]
        return float(sold[-1]["tradedPrice"] or sold[-1]["lp"])

    def reach_the_stop(self) -> None:
        self.desk.change(prices={self.ticker: round(self.fill() * 1.05, 1)})

    def play(self, **plan: Any) -> int:
        world = self.desk.world
        token = token_codec.loads(world.token_file.read_bytes())
        app = world.fyers.options.app_id
        fyers = Fyers(
            world.fyers.url,
            Secret(f"{app}:{token.access.open()}"),
            Pace(0, self.clock.ticks, self.clock.move),
            self.clock.ticks,
            self.clock.now,
        )
        course = Course(
            Webhook(f"{world.url}/webhook", Secret(HOOK_SECRET), self.clock.move),
            fyers,
            Plan(**plan),
            WAITS,
            self.clock.move,
            self.say,
        )
        return rehearsal.rehearse(course, token, self.folder)

    @property
    def text(self) -> str:
        return "\n".join(self.said)

    def what(self, mark: str) -> list[str]:
        """Return the words by which the lines of the table begin that ended so."""
        return [
            words
            for line in self.said
            for words in WORDS
            if line[:10].strip() == mark and line[10:].startswith(words)
        ]

    def came(self, words: str) -> str:
        """Return what stands in the right column of a line of the table."""
        at = next(n for n, line in enumerate(self.said) if line[10:].startswith(words))
        found = [self.said[at]]
        for line in self.said[at + 1 :]:
            if line[:10].strip():
                break
            found.append(line)
        return " ".join(line[10 + WIDTH :].strip() for line in found).strip()

    def kept(self) -> str:
        (file,) = self.folder.glob("rehearsal-*.json")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert str(file) in self.text
        return file.read_text()

    def net(self) -> int:
        return sum(row["netQty"] for row in self.desk.state()["positions"])

    def working(self) -> list[str]:
        rows = self.desk.state()["orders"]
        return [row["id"] for row in rows if row["status"] in (4, 6)]


@pytest.fixture
def stage(desk: Desk, clock: SharedClock, tmp_path: Path) -> Stage:
    stage = Stage(desk, clock, tmp_path)
    stage.when["Waiting up to"] = stage.reach_the_stop
    return stage


def test_where_fyers_does_as_assumed_every_line_agrees(stage: Stage) -> None:
    assert stage.play() == 0, stage.text
    assert stage.what("not asked") == APART
    assert stage.what("ok") == ASKED
    assert "Nothing of NIFTY is open or works at FYERS." in stage.said
    assert (stage.net(), stage.working()) == (0, [])


UNTAGGED = {"match": {"side": -1, "type": 2}, "set": {"orderTag": "2:Untagged"}}


@pytest.mark.parametrize(
    ("otherwise", "line"),
    [
        ({"tag_form": "upper"}, TAG),
        ({"tag_form": "cut"}, TAG),
        ({"row_changes": [UNTAGGED]}, TAG),
        ({"id_suffix": "-BO-1"}, ID),
        ({"legs": {"parent": "-"}}, PARENT),
        ({"legs": {"product": "BO"}}, PRODUCT),
        ({"legs": {"product": "CO"}}, PRODUCT),
        ({"legs": {"stop_offset": 0.15}}, PRICE),
        ({"legs": {"target_offset": -0.15}}, PRICE),
        ({"legs": {"qty_offset": 75}}, PRICE),
        ({"positions_lag": 35}, LAG),
        ({"fills_lag": 35}, LAG),
        ({"exits_hold_margin": True}, COVER),
        ({"oco": False}, OCO),
    ],
    ids=str,
)
def test_what_fyers_does_otherwise_is_a_line_that_differs(
    stage: Stage, otherwise: dict[str, Any], line: str
) -> None:
    stage.desk.change(**otherwise)
    assert stage.play() == 1, stage.text
    assert line in stage.what("DIFFERS"), stage.text
    assert stage.net() == 0, stage.text


def test_a_refused_cover_is_seen_although_no_book_shows_it(stage: Stage) -> None:
    hidden = {"match": {"status": 5}, "set": {"symbol": "NSE:SOMETHING-ELSE"}}
    stage.desk.change(exits_hold_margin=True, row_changes=[hidden])
    assert stage.play() == 1
    assert COVER in stage.what("DIFFERS"), stage.text
    assert "FYERS refused it for margin" in stage.came(COVER)


@pytest.mark.parametrize("kind", ["exits_vanish", "exits_rejected"])
def test_exits_that_never_come_are_a_line_and_the_short_is_covered(
    stage: Stage, kind: str
) -> None:
    stage.desk.fault(kind, ORDERS)
    assert stage.play() == 1
    assert PRICE in stage.what("DIFFERS"), stage.text
    assert "has no working stop loss and no working target" in stage.came(PRICE)
    assert OCO in stage.what("not seen"), "no second short without exits"
    assert (stage.net(), stage.working()) == (0, [])


def test_an_exit_that_already_closes_is_told_with_what_is_open(stage: Stage) -> None:
    """A leg of type 2 must trade now, so the webhook sends no second close."""
    stage.desk.change(legs={"stop_type": 2})
    assert stage.play() == 1
    assert "is of type 2" in stage.came(PRICE)
    assert "OPEN: short" in stage.text
    assert "NO stop works" in stage.text


def test_an_exit_two_ticks_off_agrees(stage: Stage) -> None:
    stage.desk.change(legs={"stop_offset": 0.1, "target_offset": 0.1})
    assert stage.play() == 0, stage.text


# ---- asked apart


def test_slices_that_carry_the_tag_agree(stage: Stage) -> None:
    assert stage.play(lots=60) == 0, stage.text
    assert SLICES in stage.what("ok")


def test_slices_without_the_tag_differ(stage: Stage) -> None:
    stage.desk.change(slice_tags=False)
    assert stage.play(lots=60) == 1
    assert SLICES in stage.what("DIFFERS"), stage.text
    assert stage.net() == 0, stage.text


def test_a_close_after_quarter_past_three_is_sent_then(
    stage: Stage, clock: SharedClock
) -> None:
    clock.set(0, 15, 5)
    assert stage.play(late=True) == 0, stage.text
    assert LATE in stage.what("ok")
    assert "at 15:15:3" in stage.text
    assert OCO in stage.what("not asked")


def test_a_close_refused_after_quarter_past_three_differs_and_is_told(
    stage: Stage, clock: SharedClock
) -> None:
    clock.set(0, 15, 5)
    stage.desk.fault("rms", ORDERS, symbol=A_BUY, times=-1, message="RED:RULE:closed")
    assert stage.play(late=True) == 1
    assert LATE in stage.what("DIFFERS"), stage.text
    assert "OPEN: short" in stage.text


@pytest.mark.parametrize(("hour", "minute"), [(14, 30), (15, 20)])
def test_late_is_begun_shortly_before_only(
    stage: Stage, clock: SharedClock, hour: int, minute: int
) -> None:
    clock.set(0, hour, minute)
    assert stage.play(late=True) == 1
    assert stage.said[-1] == "Nothing was ordered."
    assert stage.desk.orders() == []


def test_both_products_are_positions_of_their_own(stage: Stage) -> None:
    assert stage.play(products=True) == 0, stage.text
    assert PRODUCTS in stage.what("ok")
    assert (stage.net(), stage.working()) == (0, [])


def test_products_that_fyers_puts_together_differ(stage: Stage) -> None:
    together = {"match": {"productType": "MARGIN"}, "set": {"productType": "INTRADAY"}}
    stage.desk.change(row_changes=[together])
    assert stage.play(products=True) == 1
    assert PRODUCTS in stage.what("DIFFERS"), stage.text


# ---- what goes wrong


def test_a_cover_that_is_refused_is_told_with_what_is_open_and_what_to_do(
    stage: Stage,
) -> None:
    stage.desk.fault("rms", ORDERS, symbol=A_BUY, times=-1, message="RED:RULE:no")
    assert stage.play() == 1
    assert stage.net() < 0
    (told,) = [text for text in stage.said if text.startswith("OPEN: short")]
    assert f"{-stage.net()} {stage.ticker} (INTRADAY)" in told
    assert "A stop works for" in told
    assert "in the FYERS app" in told
    assert COVER in stage.what("DIFFERS")


def test_a_sell_that_rests_is_cancelled(stage: Stage) -> None:
    stage.desk.fault("unfilled", ORDERS)
    assert stage.play() == 1
    assert FILL in stage.what("DIFFERS"), stage.text
    assert (stage.net(), stage.working()) == (0, [])


def test_a_sell_that_is_rejected_later_leaves_nothing(stage: Stage) -> None:
    stage.desk.fault("rms_later", ORDERS, message="RED:RULE:later", delay=0)
    assert stage.play() == 1
    assert FILL in stage.what("DIFFERS"), stage.text
    assert "RED:RULE:later" in stage.text
    assert "Nothing of NIFTY is open or works at FYERS." in stage.said


def test_a_sell_nobody_knows_of_is_closed_and_told(stage: Stage) -> None:
    stage.desk.fault("reset", ORDERS, when="after")
    stage.desk.fault("500", "/api/v3/orders", method="GET", skip=1)
    assert stage.play() == 1
    assert stage.net() == 0, stage.text
    assert "Nobody knows what became of the SELL: 202" in stage.text
    assert "MAY BE OPEN or turn up within minutes" in stage.text


def test_a_fyers_that_cannot_be_read_any_more_leaves_no_silence(stage: Stage) -> None:
    def blind() -> None:
        stage.desk.fault("500", "/api/v3/", method="GET", times=-1)

    stage.when["SELL "] = blind
    assert stage.play() == 1
    assert "MAY BE OPEN" in stage.text
    assert "Look at positions and orders in the FYERS app now" in stage.text


def test_an_interruption_covers_the_short(stage: Stage) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    stage.when["SELL "] = interrupt
    assert stage.play() == 1
    assert "It was interrupted." in stage.text
    assert (stage.net(), stage.working()) == (0, [])


def test_an_interruption_before_the_answer_is_not_taken_for_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, sent = Webhook._send, list[bytes]()

    def cut_off(webhook: Webhook, body: bytes) -> Answer:
        sent.append(body)
        if len(sent) == 1:
            raise KeyboardInterrupt
        return send(webhook, body)

    monkeypatch.setattr(Webhook, "_send", cut_off)
    assert stage.play() == 1
    assert "The SELL was cut off before its answer came" in stage.text
    assert "MAY BE OPEN" in stage.text
    assert b'"EXIT"' in sent[-1], "it tried to close all the same"


def test_what_nobody_foresaw_covers_the_short(stage: Stage) -> None:
    def fail() -> None:
        raise ValueError("unforeseen")

    stage.when["SELL "] = fail
    assert stage.play() == 1
    assert "The rehearsal itself failed: ValueError." in stage.text
    assert (stage.net(), stage.working()) == (0, [])


def test_a_closed_market_is_said_before_anything_is_ordered(stage: Stage) -> None:
    stage.desk.change(market_status="CLOSED")
    assert stage.play() == 1
    assert stage.said[-2:] == [
        "\nThe market is closed. Come back when it is open.",
        "Nothing was ordered.",
    ]
    assert stage.desk.orders() == []


def test_what_is_open_before_is_not_mixed_with_it(stage: Stage) -> None:
    held = {"symbol": stage.desk.ticker, "netQty": -75}
    stage.desk.change(positions=[held])
    assert stage.play() == 1
    assert "begin when NIFTY is flat" in stage.text
    assert stage.desk.orders() == []


def test_paused_entries_are_said_and_nothing_is_ordered(stage: Stage) -> None:
    stage.desk.post({"token": HOOK_SECRET, "action": "PAUSE"})
    assert stage.play() == 1
    assert "paused" in stage.text
    assert stage.said[-1] == "Nothing was ordered."


def test_on_paper_nothing_is_rehearsed(
    clock: SharedClock, desk: Desk, tmp_path: Path
) -> None:
    env = {"PAPER": "true", "WEBHOOK_MAX_QTY": "60"}
    with desks(tmp_path / "state", env=env, clock=clock) as on_paper:
        stage = Stage(on_paper, clock, tmp_path)
        assert stage.play() == 1
        assert "PAPER is on: nothing real was ordered." in stage.text
        assert on_paper.orders() == []


# ---- what is kept


def test_the_raw_replies_are_kept_without_what_names_a_person(stage: Stage) -> None:
    stage.desk.change(exits_hold_margin=True)  # its refusal names the client
    stage.play()
    kept = stage.kept()
    options = stage.desk.world.fyers.options
    token = token_codec.loads(stage.desk.world.token_file.read_bytes())
    for secret in (options.fy_id, token.access.open(), HOOK_SECRET, options.secret):
        assert secret not in kept
        assert secret not in stage.text
    replies = json.loads(kept)
    assert {reply["path"] for reply in replies} == {
        "/api/v3/orders",
        "/api/v3/positions",
    }
    last = [r for r in replies if r["path"] == "/api/v3/orders"][-1]["reply"]
    assert last["orderBook"][0]["clientId"] == "***"
    assert last["orderBook"][0]["symbol"] == stage.ticker
    assert last["orderBook"][0]["fyToken"] != "***"
    assert last["orderBook"][0]["orderTag"].startswith("1:")


@pytest.mark.parametrize(
    "row",
    [
        {"fy_id": "XA1"},
        {"PAN": "ABCDE1234F"},
        {"clientName": "A Person"},
        {"display_name": "A Person"},
        {"email_id": "a@b.example"},
        {"mobile_number": "99"},
        {"message": "for ABCDE1234F"},
        {"message": "C-XA00001 lacks"},
        {"message": "write to a.person@b.example"},
        {"a": [{"access_token": "x"}]},
        {"text": "of known-id"},
    ],
    ids=str,
)
def test_whatever_names_a_person_is_masked(row: dict[str, object]) -> None:
    kept = json.dumps(masked(row, "KNOWN-ID"))
    assert "***" in kept
    for word in ("XA", "Person", "ABCDE", "99", "known", "b.example", '"x"'):
        assert word not in kept


def test_it_runs_where_nothing_but_python_is_installed(stage: Stage) -> None:
    """As on a new machine; a closed market ends it before it orders."""
    stage.desk.change(market_status="CLOSED")
    world = stage.desk.world
    login = json.loads(world.token_file.read_text())
    login["expires_at"] = "2099-01-01T00:00:00+00:00"
    done = subprocess.run(
        [
            *(sys.executable, "-S", "-m", "local.rehearsal"),
            f"--webhook={world.url}/webhook",
            f"--fyers={world.fyers.url}",
            f"--app={world.fyers.options.app_id}",
        ],
        cwd=ROOT,
        input=f"{HOOK_SECRET}\n{json.dumps(login)}",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "The market is closed." in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (f"{HOOK_SECRET}\n", "No FYERS login is stored"),
        ("", "No FYERS login is stored"),
    ],
)
def test_without_its_two_secrets_it_orders_nothing(given: str, words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local.rehearsal", "--webhook=http://x", "--app=x"],
        cwd=ROOT,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert words in done.stderr
    assert "Nothing was ordered." in done.stderr
