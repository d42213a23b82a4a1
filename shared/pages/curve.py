"""The day's realized rupees as one line, drawn on the server."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING

from shared.desk.words import rupees
from shared.models import IST

if TYPE_CHECKING:
    from shared.desk import Curve

_WIDTH, _HEIGHT, _EDGE = 320, 88, 6
_TAIL = 8
"""Of the line, behind its last step."""

_OPENS, _CLOSES = time(9, 15), time(15, 30)
"""IST; the line's two ends, unless something ended before or after."""


def curve_svg(curve: Curve, empty: str = "Nothing has ended yet.") -> str:
    """Return the line with its text for who cannot see it; words while it is empty."""
    if not curve.points:
        return f'<p class="soft">{empty}</p>'
    amounts = [Decimal(0), *(amount for _, amount in curve.points)]
    low, high = min(amounts), max(amounts)
    number = len(curve.points)
    label = (
        f"Realized {rupees(curve.total)} after {number} contract"
        f"{'' if number == 1 else 's'}, lowest {rupees(low)}, highest {rupees(high)}"
    )
    return (
        f'<svg class="curve" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'preserveAspectRatio="none" aria-label="{escape(label)}">'
        f"{_paths(curve, low, high)}</svg>"
        f'<p class="ends soft"><span>{_OPENS:%H:%M}</span>'
        f"<span>{escape(rupees(low))} to {escape(rupees(high))}</span>"
        f"<span>{_CLOSES:%H:%M}</span></p>"
    )


def _paths(curve: Curve, low: Decimal, high: Decimal) -> str:
    day = curve.points[0][0].astimezone(IST).date()
    first = min(datetime.combine(day, _OPENS, IST), curve.points[0][0])
    last = max(datetime.combine(day, _CLOSES, IST), curve.points[-1][0])

    def across(when: datetime) -> float:
        share = (when - first).total_seconds() / (last - first).total_seconds()
        return round(share * (_WIDTH - _TAIL), 1)

    def down(amount: Decimal) -> float:
        spread = high - low or Decimal(1)
        share = float((high - amount) / spread)
        return round(_EDGE + share * (_HEIGHT - 2 * _EDGE), 1)

    zero = down(Decimal(0))
    steps = [f"M0 {zero}"]
    for when, amount in curve.points:
        steps.append(f"H{across(when)} V{down(amount)}")
    steps.append(f"H{across(curve.points[-1][0]) + _TAIL}")
    return (
        f'<path class="zero" d="M0 {zero} H{_WIDTH}"/>'
        f'<path class="line" d="{" ".join(steps)}"/>'
    )
