"""Print the phone's day: every notice of three days, as the owner reads them.

    python -m tests.functional.phone_day [ordinary] [lost] [login]

An ordinary day, one on which replies are lost, one without a login: played over HTTP at
the simulator, on a clock that is moved.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from shared.adapters.notice_codec import text
from shared.models import Notice, Severity
from tests.functional.clocked import SharedClock
from tests.functional.desk import ORDERS, Desk, desks, keep_login, later_expiry

SETTINGS = {
    "TOKEN_REFRESH": "false",
    "NOTIFY_ORDERS": "true",
    "SUMMARY": "true",
    "EXPECT_ALERT_BY": "10:00",
    "SQUARE_OFF_AT": "15:10",
    "MAX_ENTRIES_PER_DAY": "10",
    "MAX_OPEN_LOTS": "2",
    "ENTRY_WINDOW": "09:15-15:10",
}


def as_read(said: dict[str, Any]) -> str:
    """Return a notice, as posted in JSON, the way a chat shows it."""
    alert_at = said["alert_at"]
    notice = Notice(
        message=said["message"],
        severity=Severity(said["severity"]),
        event=said["event"],
        at=datetime.fromisoformat(said["at"]),
        alert_at=datetime.fromisoformat(alert_at) if alert_at else None,
        request_id=said["request_id"],
        contract=said["contract"],
        side=said["side"],
        quantity=said["quantity"],
    )
    return text(notice, said["link"] or "")


class PhoneDay:
    """A day on one desk, told by the clock."""

    def __init__(self, desk: Desk, clock: SharedClock) -> None:
        self.desk = desk
        self.clock = clock
        self.clock.set(0, 8, 30)
        desk.change(rate_limits=False, prices={desk.ticker: 100.0})

    def until(self, hours: int, minutes: int) -> None:
        """Let reconcile run each minute until that time, IST."""
        while (now := self.clock.now()) and (now.hour, now.minute) < (hours, minutes):
            self.desk.reconcile()
            self.clock.move(60)

    def without_login(self) -> None:
        """Let the night have ended the token, and the 08:30 job find that."""
        self.desk.world.token_file.unlink()
        self.desk.world.fyers.auth.end_tokens()
        self.desk.world.post("/refresh-token")

    def log_in(self) -> None:
        """Store a login that FYERS accepts."""
        keep_login(self.desk.world)

    def deliver(self, action: str, **fields: Any) -> None:
        """Send an alert as TradingView does: again after a 5xx."""
        alert = self.desk.alert(action, **fields)
        for _ in range(4):
            if self.desk.post(alert).status_code < 500:
                return
            self.clock.move(5)

    def price(self, price: float) -> None:
        """Let the contract trade at this price."""
        self.desk.change(prices={self.desk.ticker: price})


def ordinary(day: PhoneDay) -> None:
    """A login, two shorts, one covered and one stopped, an evening."""
    day.without_login()
    day.until(8, 52)
    day.log_in()
    day.until(9, 20)
    day.deliver("SELL")
    day.until(9, 48)
    day.price(88)
    day.deliver("BUY")
    day.until(11, 5)
    day.price(100)
    day.deliver("SELL")
    day.until(11, 31)
    day.price(116)
    day.until(15, 55)


def lost_replies(day: PhoneDay) -> None:
    """An entry whose reply is lost, one that is lost itself, and a lost cover."""
    day.until(9, 20)
    day.desk.fault("hang", ORDERS, method="POST", when="after", delay=6)
    day.deliver("SELL")
    day.until(9, 40)
    day.desk.fault("reset", ORDERS, method="POST", when="before")
    day.deliver("SELL")
    day.until(9, 50)
    day.desk.fault("reset", ORDERS, method="POST", when="before")
    day.deliver("BUY")
    day.until(10, 5)
    day.deliver("BUY")
    day.until(15, 55)


def no_login(day: PhoneDay) -> None:
    """Nobody logs in; two alerts fire."""
    day.without_login()
    day.until(9, 20)
    day.deliver("SELL")
    day.until(9, 35)
    day.deliver("BUY")
    day.until(15, 55)


DAYS: dict[str, Callable[[PhoneDay], None]] = {
    "An ordinary day": ordinary,
    "A day of lost replies": lost_replies,
    "A day without login": no_login,
}


def play(folder: Path, what: Callable[[PhoneDay], None]) -> list[dict[str, Any]]:
    """Return every notice of a day as it was posted."""
    clock = SharedClock(folder / "clock")
    clock.set(0, 8, 0)  # the login that the night ends is older than 08:30
    with desks(folder, env=SETTINGS, clock=clock) as desk:
        what(PhoneDay(later_expiry(desk), clock))
        return list(desk.world.phone.notices)


def main(chosen: Sequence[str]) -> None:
    """Print the days whose names hold one of the words; without words all three."""
    for name, what in DAYS.items():
        if chosen and not any(word in name for word in chosen):
            continue
        with tempfile.TemporaryDirectory() as folder:
            notices = play(Path(folder), what)
        print(f"\n===== {name}: {len(notices)} notices =====")
        for said in notices:
            print(f"\n[{said['severity']} {said['event']}]\n{as_read(said)}")


if __name__ == "__main__":
    main(sys.argv[1:])
