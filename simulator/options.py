"""What a simulator is started with; most of it can be changed while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

IST = timezone(timedelta(hours=5, minutes=30), "IST")

FILLS = ("full", "partfill", "unfilled", "rms", "rms_later")
"""What happens to a market order: filled, half filled, left pending, rejected."""


def now() -> datetime:
    """Return the present instant in IST."""
    return datetime.now(IST)


@dataclass(slots=True)
class Options:
    """Settings of one simulator; the defaults need no rate switch, no real account."""

    app_id: str = "SIM00001-200"
    secret: str = "SIMSECRET1"  # noqa: S105 - opens nothing but this stand-in
    pin: str = "1234"
    fy_id: str = "XS00001"
    redirect_uri: str | None = None
    """The registered redirect URI; None accepts any."""
    asof: date | None = None
    """Date of the symbol master; None is today in IST."""
    master_rows: str | int = "small"
    """`small`, `full` or a number of lines."""
    master_lines: Sequence[str] | None = None
    """A symbol master of one's own, line by line."""
    host: str = "127.0.0.1"
    port: int = 0
    clock: Callable[[], datetime] = now
    ticks: Callable[[], float] = time.monotonic
    """Seconds for rate windows and delays; a frozen `clock` does not stop them."""
    rate_limits: bool = True
    delay_ms: float = 0.0
    """Added to the answer of every FYERS call, after it took effect."""
    refresh_allowed: bool = False
    orders_allowed: bool = True
    """False: the app may not place orders (no `-200` app, wrong IP)."""
    fill: str = "full"
    fill_delay: float = 0.0
    """Seconds from transit (4) over pending (6) to the fill (2)."""
    stop_leg_type: int = 4
    """Type of stop-loss legs: 3 (SL-M) or 4 (SL-L)."""
    tagged_legs: bool = True
    """Exit legs repeat their entry's tag; not known of FYERS, so both are possible."""
    funds: Decimal = Decimal("100000000")
    """Rupees available for margin."""
