"""Claims for the contract: a plain one and a full one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from shared.idempotency import (
    Child,
    Claim,
    Outgoing,
    Reply,
    Slip,
    State,
    Story,
)
from shared.models import (
    Action,
    Contract,
    Notice,
    OptionType,
    Order,
    Product,
    Severity,
)

NOW = datetime(2026, 11, 24, 4, 0, 0, 123456, UTC)
CONTRACT = Contract(
    ticker="NSE:NIFTY26NOV25800CE",
    underlying="NIFTY",
    expiry=date(2026, 11, 24),
    expires_at=NOW + timedelta(hours=6),
    strike=Decimal(25800),
    option_type=OptionType.CE,
    lot=65,
    tick=Decimal("0.05"),
)


def claimed(attempt: str = "a" * 32, **later: float) -> Claim:
    """Return a new claim, touched that much after NOW."""
    touched = NOW + timedelta(**later)
    return Claim(
        state=State.CLAIMED,
        attempt=attempt,
        fingerprint="f" * 64,
        created_at=NOW,
        lease_until=NOW + timedelta(seconds=4),
        request_id="r-1",
        what="SELL NIFTY 25800 CE WEEKLY",
        touched_at=touched,
    )


def sending(claim: Claim) -> Claim:
    """Return the claim with every field a document can have filled in."""
    order = Order(
        ticker="NSE:NIFTY26NOV25800CE",
        action=Action.SELL,
        qty=65,
        product=Product.INTRADAY,
        tag="0123456789abcdef0123",
        stop_loss=Decimal("15.05"),
        take_profit=Decimal("25.10"),
    )
    notice = Notice("Look.", Severity.WARNING, "outcome_unknown", NOW, quantity=65)
    return replace(
        claim,
        state=State.UNKNOWN,
        reason="no answer",
        retry=True,
        sending=Slip(
            order=order,
            ltp=Decimal("100.30"),
            stop_loss=Decimal("115.35"),
            take_profit=Decimal("75.20"),
            sent_at=NOW,
            send_by=NOW + timedelta(seconds=2),
            day=date(2026, 11, 24),
            closes=True,
            note="cut",
        ),
        reply=Reply(202, '{"success": false}'),
        expires_at=NOW + timedelta(days=1),
        closed=True,
        outbox=(Outgoing(notice, ("url",)),),
        told="there was no price",
        order_ids=("26112400000001", "26112400000002"),
        ledger=order.ticker,
        lane=order.ticker,
        contract=CONTRACT,
        timed=True,
        strategy="straddle",
        story=Story(65, Decimal("100.25"), NOW, Decimal("-13.50")),
        children=(Child(CONTRACT, Product.MARGIN),),
    )
