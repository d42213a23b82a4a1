"""What a simulator is started with; most of it can be changed while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

IST = timezone(timedelta(hours=5, minutes=30), "IST")

FILLS = ("full", "partfill", "unfilled", "rms", "rms_later")
"""What happens to a market order: filled, half filled, left pending, rejected."""
ABSENT = "absent"
"""As a `parentId`: the row has no such key."""
OWN = "own"
"""As a leg's parentId or tag: its entry's."""
TAG_FORMS = ("sent", "upper", "cut", "upper_cut")
"""How the book shows a tag: as sent, in upper case, cut to 16, or both."""
TAG_CUT = 16
STOP_ORDERS = ("later", "at_once", "allowed")
"""When a plain stop (type 3) on an option is refused, if it is."""
SINGLE_SLICES = ("data", "plain")
"""Reply to a slice order that needs one slice: ids in `data`, or as any order."""


def now() -> datetime:
    """Return the present instant in IST."""
    return datetime.now(IST)


@dataclass(frozen=True, slots=True)
class LegShape:
    """How exit legs differ from what this software hopes for."""

    product: str = ""
    """The product word their rows show; empty is the entry's. Fills stay there."""
    parent: object = OWN
    """`own`, `absent`, or what their rows show: "-", "0", 0, ""."""
    tag: str = OWN
    """`own`, or the whole text their rows show: "", "2:", "2:Untagged"."""
    stop_offset: Decimal = Decimal(0)
    """Rupees added to the trigger and the limit of a stop."""
    target_offset: Decimal = Decimal(0)
    qty_offset: int = 0
    """Contracts added to what the entry traded."""
    stop_type: int = 0
    """0 is `stop_leg_type`."""
    target_type: int = 0
    """0 is a limit (1)."""


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
    bse_lines: Sequence[str] | None = None
    """A BSE_FO master of one's own; None makes one unless `master_lines` is given."""
    positions_lag: float = 0.0
    """Seconds until positions show a fill; back at 0 they show all of them."""
    book_lag: float = 0.0
    """Seconds until the order book shows a new order or leg."""
    fills_lag: float = 0.0
    """Seconds until the order book shows a fill."""
    untagged: str = "2:Untagged"
    """What the rows of orders without a tag carry."""
    tag_form: str = "sent"
    id_suffix: str = ""
    """What the book appends to the id that was returned, such as `-BO-1`."""
    plain_parent: object = ABSENT
    """The parentId on rows that are no legs."""
    legs: LegShape = field(default_factory=LegShape)
    oco: bool = True
    """A leg that trades cancels its sibling."""
    stops_fill: bool = True
    """False: a stop the price reaches stays pending (6)."""
    triggered_type: int = 4
    """Type a triggered stop-limit shows: 4, or 1 once it is a limit order."""
    stop_orders: str = "later"
    """NSE refuses type 3 on options since 27 September 2021."""
    exits_hold_margin: bool = False
    """A BUY is refused for margin while exits of its contract work."""
    slice_refused: Sequence[int] = ()
    """Which slices of a slice order the risk system refuses, counted from 0."""
    slice_tags: bool = True
    single_slice: str = "data"
    market_status: Mapping[int, str] = field(
        default_factory=lambda: {10: "OPEN", 12: "OPEN"}
    )
    """Status of the normal F&O market of an exchange."""
    chain_missing: Sequence[str] = ()
    """Tickers the option chain leaves out; the underlying's own is possible."""
    extra_orders: Sequence[Mapping[str, object]] = ()
    """Rows the order book shows as they are, after its own."""
    extra_positions: Sequence[Mapping[str, object]] = ()
    row_changes: Sequence[Mapping[str, Mapping[str, object]]] = ()
    """`{"match": {…}, "set": {…}}`: what rows of both books show instead."""
