"""What the owner can do from the desk.

Whatever moves money goes to the webhook as an alert, so that there is one way to an
order. Each form carries a key of its own: however often it is sent, it is one alert.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shared import logs
from shared.desk.stories import Tone
from shared.errors import BadRequest, Conflict, Doubtful, Unavailable
from shared.guard.state import GuardState
from shared.guardrails import Entries
from shared.idempotency import ClaimStore
from shared.models import (
    ALL,
    PAPER,
    Clock,
    Contract,
    Deadline,
    Kept,
    Notice,
    Product,
    Severity,
    Verb,
)
from shared.notifications import Notifier

_LOG = logging.getLogger(__name__)

AGAIN_AFTER = 1.5
"""Seconds before the webhook is asked again after a 503, which says: send it again."""

ROOM = 4.0
"""Seconds the webhook is given for one answer; it promises 2.2."""

_WRITES = 4
"""Most tries to write the guard's state while the guard writes it too."""

_KEY = re.compile(r"[0-9a-f]{32}")

Fields = Mapping[str, str | bool]
"""An alert as it is sent, without the secret."""


class What(StrEnum):
    """What a form asks for."""

    PAUSE = "pause"
    RESUME = "resume"
    EXIT = "exit"
    EXIT_ALL = "exit-all"
    ACKNOWLEDGE = "acknowledge"
    TEST = "test"
    LOGOUT = "logout"


@dataclass(frozen=True, slots=True)
class Tap:
    """One form as it came."""

    what: What
    key: str
    """128 bits in hex, made with the form."""
    ticker: str = ""
    product: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the webhook answered."""

    status: int
    words: str
    orders: tuple[str, ...] = ()
    """One line for each of several orders."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a tap, for the page that answers it."""

    title: str
    text: str
    tone: Tone
    details: tuple[str, ...] = ()


class AlertSender(Protocol):
    """The way to the webhook."""

    def send(self, alert: Fields, key: str, deadline: Deadline) -> Heard:
        """Deliver an alert under a key; raise `Unavailable` without an answer.

        Without one the alert may have been handled all the same.
        """


@dataclass(frozen=True, slots=True)
class DeskParts:
    """What an action is done with, made by wiring."""

    claims: ClaimStore
    entries: Callable[[], Entries]
    guard: Kept[GuardState]
    paper: Kept[GuardState]
    webhook: AlertSender
    notifier: Notifier
    notifies: bool
    clock: Clock
    pause: Callable[[float], None]


def read_tap(fields: Mapping[str, str]) -> Tap:
    """Return what a form asks for; raise `BadRequest`."""
    wanted, key = fields.get("do", ""), fields.get("key", "")
    if wanted not in set(What) or not _KEY.fullmatch(key):
        raise BadRequest("this form was not made by the desk")
    return Tap(
        What(wanted),
        key,
        fields.get("ticker", "")[:80],
        fields.get("product", "")[:20],
        fields.get("verdict", "")[:40],
    )


def act(parts: DeskParts, tap: Tap, deadline: Deadline) -> Outcome:
    """Do it and return what became of it; raise `Problem`."""
    _LOG.info("desk: %s %s", tap.what, tap.ticker)
    match tap.what:
        case What.PAUSE:
            return _sent(parts, {"action": Verb.PAUSE}, tap, deadline)
        case What.EXIT:
            return _sent(parts, _exit_of(parts, tap, deadline), tap, deadline)
        case What.EXIT_ALL:
            everything: Fields = {"action": Verb.EXIT, "symbol": ALL}
            return _sent(parts, everything, tap, deadline)
        case What.RESUME:
            parts.entries().resume(deadline)
            return Outcome("Entries are taken again", "", Tone.GOOD)
        case What.ACKNOWLEDGE:
            return _acknowledge(parts, tap, deadline)
        case What.TEST:
            return _test(parts, deadline)
        case What.LOGOUT:
            raise BadRequest("logging out is done by the session")


# --- Through the webhook --------------------------------------------------------------


def _exit_of(parts: DeskParts, tap: Tap, deadline: Deadline) -> Fields:
    """Return the EXIT of a contract that the guard watches."""
    try:
        found = parts.claims.ledger(tap.ticker, deadline)
    except Doubtful as error:
        raise Unavailable("the store does not answer; nothing was sent") from error
    contract = next((c for stored in found if (c := stored.claim.contract)), None)
    if contract is None:
        raise BadRequest("nothing of ours is open there any more", "nothing_open")
    return exit_alert(tap.ticker, contract, tap.product)


def exit_alert(ticker: str, contract: Contract, product: str) -> Fields:
    """Return the alert that closes what is open of one contract and product."""
    exchange = ticker.removeprefix(PAPER).partition(":")[0]
    alert: dict[str, str | bool] = {
        "action": Verb.EXIT,
        "symbol": f"{exchange}:{contract.underlying}",
        "strikeprice": f"{contract.strike.normalize():f}",
        "optionType": contract.option_type,
        "expiry": contract.expiry.isoformat(),
        "comment": "from the desk",
    }
    if product in set(Product):
        alert["productType"] = product
    if ticker.startswith(PAPER):
        alert["paper"] = True
    return alert


def _sent(parts: DeskParts, alert: Fields, tap: Tap, deadline: Deadline) -> Outcome:
    """Send an alert as TradingView would: again after a 503, under the same key."""
    key = f"desk:{tap.key}"
    heard = parts.webhook.send(alert, key, deadline.within(ROOM))
    while heard.status >= 500 and deadline.left() > ROOM + AGAIN_AFTER:
        parts.pause(AGAIN_AFTER)
        heard = parts.webhook.send(alert, key, deadline.within(ROOM))
    title, tone = _judged(heard.status)
    return Outcome(title, heard.words, tone, heard.orders)


def _judged(status: int) -> tuple[str, Tone]:
    if status == 200:
        return "Done", Tone.GOOD
    if status in (202, 409):
        return "FYERS may hold the order", Tone.BAD
    if status >= 500:
        return "Not sent yet", Tone.BAD
    return "Nothing was sent", Tone.IDLE


# --- In the store ---------------------------------------------------------------------


def _acknowledge(parts: DeskParts, tap: Tap, deadline: Deadline) -> Outcome:
    """Mark a risk as seen, over exactly the state that was read."""
    kept = parts.paper if tap.ticker.startswith(PAPER) else parts.guard
    try:
        for _ in range(_WRITES):
            state, version = kept.read(deadline)
            if state is None:
                raise BadRequest("the guard has nothing to acknowledge")
            try:
                kept.write(
                    state.acknowledged(tap.ticker, tap.verdict), version, deadline
                )
            except Conflict:
                continue
            return Outcome(
                "Noted",
                "You are not told of this again while it stays the same. It stays on "
                "the desk until it is over.",
                Tone.GOOD,
            )
    except Doubtful as error:
        raise Unavailable("the store does not answer; tap again") from error
    raise Unavailable("the guard is writing right now; tap again")


def _test(parts: DeskParts, deadline: Deadline) -> Outcome:
    if not parts.notifies:
        return Outcome(
            "No channel is configured",
            "Nothing can reach your phone. Set NOTIFICATION_URL with ./deploy.sh.",
            Tone.BAD,
        )
    notice = Notice(
        message="a test from your desk: what you read here arrives.",
        severity=Severity.INFO,
        event="test",
        at=parts.clock(),
        request_id=logs.request_id(),
    )
    failed = parts.notifier.send(notice, deadline)
    if failed:
        return Outcome(
            "The notice was not taken",
            f"Channel {' and '.join(failed)} did not take it; the log says why.",
            Tone.BAD,
        )
    return Outcome("A notice is on its way", "Look at your phone.", Tone.GOOD)
