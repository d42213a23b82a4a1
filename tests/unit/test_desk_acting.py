"""What a tap does, and what it never does twice or by itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock

import pytest

from shared.adapters.kept import KeptDocument
from shared.adapters.store import Store
from shared.desk import (
    DeskParts,
    Fields,
    Heard,
    Tap,
    Tone,
    What,
    act,
    as_csv,
    read_tap,
)
from shared.desk.acting import exit_alert
from shared.errors import BadRequest, Unavailable
from shared.guard.state import GuardState
from shared.guardrails import Control, Entries, Limits, Pause
from shared.models import PAPER, Deadline
from tests.fakes.documents import MemoryDocuments
from tests.fakes.notifier import MemoryNotifier
from tests.unit.desk_board import (
    CALL,
    NOW,
    contract,
    entry,
    guard,
    refused,
    risk,
    watch,
)

KEY = "0123456789abcdef0123456789abcdef"


@dataclass
class Webhook:
    """A webhook that answers what a test scripts and keeps what it was sent."""

    answers: list[Heard | Unavailable] = field(
        default_factory=lambda: [Heard(200, "order placed")]
    )
    sent: list[tuple[Fields, str]] = field(default_factory=list)

    def send(self, alert: Fields, key: str, deadline: Deadline) -> Heard:
        self.sent.append((alert, key))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Unavailable):
            raise answer
        return answer


@dataclass
class Room:
    """The hands of a desk over documents in memory; waiting moves its clock."""

    documents: MemoryDocuments = field(default_factory=MemoryDocuments)
    webhook: Webhook = field(default_factory=Webhook)
    notifier: MemoryNotifier = field(default_factory=MemoryNotifier)
    notifies: bool = True
    waited: float = 0.0

    def hands(self) -> DeskParts:
        clock: Callable[[], datetime] = lambda: NOW  # noqa: E731 - one line
        control = KeptDocument(self.documents, "control", "entries", Control)
        return DeskParts(
            claims=Store(self.documents, clock),
            entries=lambda: Entries(control, Limits(), clock, Lock(), lambda *_: False),
            guard=self.kept("state"),
            paper=self.kept("paper"),
            webhook=self.webhook,
            notifier=self.notifier,
            notifies=self.notifies,
            clock=clock,
            pause=self.wait,
        )

    def kept(self, key: str) -> KeptDocument[GuardState]:
        return KeptDocument(self.documents, "guard", key, GuardState)

    def wait(self, seconds: float) -> None:
        self.waited += seconds

    @property
    def limit(self) -> Deadline:
        return Deadline(20.0, lambda: self.waited)

    def tap(self, what: What, **more: str) -> Tone:
        return act(self.hands(), Tap(what, KEY, **more), self.limit).tone


@pytest.fixture
def room() -> Room:
    return Room()


def test_an_exit_names_its_contract_and_product_and_carries_the_forms_key(
    room: Room,
) -> None:
    stored = entry()
    room.hands().claims.create(stored.key, stored.claim, room.limit)
    assert room.tap(What.EXIT, ticker=CALL, product="INTRADAY") is Tone.GOOD
    assert room.webhook.sent == [
        (
            {
                "action": "EXIT",
                "symbol": "NSE:NIFTY",
                "strikeprice": "25800",
                "optionType": "CE",
                "expiry": "2026-12-01",
                "comment": "from the desk",
                "productType": "INTRADAY",
            },
            f"desk:{KEY}",
        )
    ]


def test_an_exit_of_paper_says_so_and_a_strange_product_is_left_out() -> None:
    alert = exit_alert(f"{PAPER}{CALL}", contract(), "CNC")
    assert alert["paper"] is True
    assert alert["symbol"] == "NSE:NIFTY"
    assert "productType" not in alert


def test_an_exit_of_what_is_not_watched_sends_nothing(room: Room) -> None:
    with pytest.raises(BadRequest):
        room.tap(What.EXIT, ticker=CALL)
    assert room.webhook.sent == []


def test_everything_and_pause_are_alerts_too(room: Room) -> None:
    room.tap(What.EXIT_ALL)
    room.tap(What.PAUSE)
    assert [alert for alert, _ in room.webhook.sent] == [
        {"action": "EXIT", "symbol": "ALL"},
        {"action": "PAUSE"},
    ]


def test_a_503_is_sent_again_under_the_same_key(room: Room) -> None:
    room.webhook.answers = [Heard(503, "later"), Heard(503, "later"), Heard(200, "ok")]
    assert room.tap(What.EXIT_ALL) is Tone.GOOD
    assert {key for _, key in room.webhook.sent} == {f"desk:{KEY}"}
    assert len(room.webhook.sent) == 3


def test_a_webhook_that_stays_busy_is_said_in_time(room: Room) -> None:
    room.webhook.answers = [Heard(503, "later")]
    assert room.tap(What.EXIT_ALL) is Tone.BAD
    assert room.waited < 20


def test_without_an_answer_nothing_is_sent_again(room: Room) -> None:
    room.webhook.answers = [Unavailable("no answer")]
    with pytest.raises(Unavailable):
        room.tap(What.EXIT_ALL)
    assert len(room.webhook.sent) == 1


@pytest.mark.parametrize(
    ("status", "tone"),
    [
        (200, Tone.GOOD),
        (202, Tone.BAD),
        (409, Tone.BAD),
        (400, Tone.IDLE),
        (424, Tone.IDLE),
    ],
)
def test_what_the_webhook_answers_is_what_the_owner_reads(
    room: Room, status: int, tone: Tone
) -> None:
    room.webhook.answers = [Heard(status, "so it is")]
    outcome = act(room.hands(), Tap(What.EXIT_ALL, KEY), room.limit)
    assert (outcome.tone, outcome.text) == (tone, "so it is")


def test_resuming_ends_a_pause(room: Room) -> None:
    kept = KeptDocument(room.documents, "control", "entries", Control)
    kept.write(Control(paused=Pause("by an alert", NOW)), None, room.limit)
    room.tap(What.RESUME)
    control, _ = kept.read(room.limit)
    assert control is not None
    assert control.paused is None


def test_an_acknowledged_risk_is_marked_and_no_other(room: Room) -> None:
    state = guard(watch(risks=(risk(),)), watch("NSE:OTHER", risks=(risk(),)))
    room.kept("state").write(state, None, room.limit)
    room.tap(What.ACKNOWLEDGE, ticker=CALL, verdict="exits_missing")
    after, _ = room.kept("state").read(room.limit)
    assert after is not None
    assert after.watch(CALL).risks[0].acknowledged
    assert not after.watch("NSE:OTHER").risks[0].acknowledged


def test_an_acknowledgement_is_written_over_what_the_guard_wrote_meanwhile(
    room: Room,
) -> None:
    kept = room.kept("state")
    version = kept.write(guard(watch(risks=(risk(),))), None, room.limit)
    newer = guard(watch(risks=(risk(times=2),)), blind_told=True)

    def guard_writes() -> None:
        kept.write(newer, version, room.limit)

    room.documents.meanwhile["commit"] = guard_writes
    room.tap(What.ACKNOWLEDGE, ticker=CALL, verdict="exits_missing")
    after, _ = kept.read(room.limit)
    assert after is not None
    assert after.blind_told
    assert after.watch(CALL).risks[0] == replace(risk(times=2), acknowledged=True)


def test_a_test_notice_goes_to_every_channel(room: Room) -> None:
    assert room.tap(What.TEST) is Tone.GOOD
    assert room.notifier.events == ["test"]
    room.notifier.down = {"url"}
    assert room.tap(What.TEST) is Tone.BAD
    room.notifies = False
    assert room.tap(What.TEST) is Tone.BAD


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"do": "pause"},
        {"do": "pause", "key": "1"},
        {"do": "sell", "key": KEY},
        {"do": "PAUSE", "key": KEY},
        {"do": "pause", "key": f"{KEY}\n"},
    ],
)
def test_a_form_that_the_desk_did_not_make_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        read_tap(fields)


# --- The CSV --------------------------------------------------------------------------


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_row_holds_the_whole_order() -> None:
    (row,) = _rows(as_csv([entry()]))
    assert row["received"] == "2026-11-25T09:20:03+05:30"
    assert row["contract"] == CALL
    assert (row["side"], row["quantity"], row["price"]) == ("SELL", "65", "181.20")
    assert row["order_ids"] == "261125000001"
    assert row["filled"] == ""


def test_a_refused_alert_has_its_reason() -> None:
    (row,) = _rows(as_csv([refused(reason="no such strike, of all")]))
    assert row["reason"] == "no such strike, of all"
    assert row["contract"] == ""


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\tx"])
def test_no_text_becomes_a_spreadsheets_formula(text: str) -> None:
    (row,) = _rows(as_csv([entry(strategy=text)]))
    assert row["strategy"] == f"'{text}"
