"""The order flow, made of concrete parts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from shared.config import Settings
from shared.errors import BadRequest
from shared.models import Alert, Contract, Deadline, ExpiryWord
from shared.orders import Orders, Paper, Parts, Terms
from shared.pricing import Percents
from shared.symbols import Expiry
from shared.wiring import parts
from shared.wiring.process import branch, clock, fork, once, pause


@once
def orders(ours: Settings) -> Orders:
    """Return the way to an order, for the webhook and for what reconcile closes."""
    symbols, tokens = parts.symbols(ours), parts.tokens(ours)

    def find(alert: Alert, limit: Deadline) -> Contract:
        strike, option_type, expiry = alert.strike, alert.option_type, alert.expiry
        if not isinstance(strike, Decimal) or option_type is None or expiry is None:
            raise BadRequest(f"{alert.words} names no contract")
        return symbols.find(
            alert.symbol, expiry, strike, option_type, limit, alert.exchange
        )

    def expiry(alert: Alert, limit: Deadline) -> Expiry:
        wanted = alert.expiry or ExpiryWord.WEEKLY
        return symbols.expiry(alert.symbol, wanted, limit, alert.exchange)

    def nearest(alert: Alert, limit: Deadline) -> date:
        word = ExpiryWord.WEEKLY
        return symbols.expiry(alert.symbol, word, limit, alert.exchange).day

    real = Parts(
        claims=parts.claims(ours),
        lanes=parts.lanes(ours),
        entries=parts.entries(ours),
        broker=parts.broker(ours),
        notifier=parts.notifier(ours),
        find=find,
        expiry=expiry,
        nearest=nearest,
        token=tokens.current,
        at_hand=lambda: tokens.at_hand and symbols.at_hand,
        fork=fork,
        branch=branch,
        clock=clock,
        pause=pause,
        secret=ours.webhook_secret_token,
        old_secrets=lambda: ours.webhook_secrets(clock())[1:],
        terms=Terms(
            default_product=ours.default_product_type,
            attach_exits=ours.attach_exits,
            percents=Percents(ours.stop_loss_percent, ours.take_profit_percent),
            max_lots=ours.webhook_max_qty,
        ),
        max_age=ours.max_alert_age_seconds,
        tells_orders=ours.notify_orders,
    )
    paper = replace(real, broker=parts.paper_broker(ours), paper=True)
    return Orders(real, Paper(paper, ours.paper))
