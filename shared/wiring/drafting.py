"""The alert builder, made of concrete parts."""

from __future__ import annotations

from collections.abc import Mapping

from shared.builder import Draft, EntryRules, draft
from shared.pricing import Percents
from shared.wiring import parts
from shared.wiring.process import clock, deadline, settings

_WITHIN = 10.0
"""Seconds for the symbol snapshots: a person waits."""


def build_alert(picked: Mapping[str, str]) -> Draft:
    """Return the alert of what was picked; see `builder.draft`."""
    ours = settings("desk")
    rules = EntryRules(
        Percents(ours.stop_loss_percent, ours.take_profit_percent),
        ours.attach_exits,
        ours.webhook_max_qty,
    )
    return draft(picked, parts.symbols(ours), rules, clock(), deadline(_WITHIN))
