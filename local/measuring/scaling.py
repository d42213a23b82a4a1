"""How many orders a second one instance sends, by how many alerts are under way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from local.measuring.ground import Ground
from local.measuring.served import WEBHOOK, Served, serving

Note = Callable[[str], None]

SENDERS = (1, 2, 4, 8, 16, 32)

_WIDTH, _HEIGHT, _LEFT, _FOOT = 480, 240, 44, 28
_COLOURS = ("#0b6", "#06c")


@dataclass(frozen=True, slots=True)
class Point:
    """What one instance did with so many senders at once."""

    senders: int
    orders: float
    """A second."""
    processor: float | None
    """Seconds of the instance for one alert, where the system tells."""


def curve(
    ground: Ground,
    settings: Mapping[str, str],
    senders: Sequence[int],
    seconds: float,
    note: Note,
) -> list[Point]:
    """Let ever more senders deliver, each its next alert when the last is answered."""
    points = []
    with serving(WEBHOOK, settings) as instance:
        instance.first(ground.alert())
        for count in senders:
            note(f"{count} at once")
            ground.forget()
            ground.empty(settings)
            points.append(_point(ground, instance, count, seconds))
    return points


def rates(
    ground: Ground,
    source: Path,
    settings: Mapping[str, str],
    senders: Sequence[int],
    seconds: float,
) -> dict[int, float]:
    """Return the answers a second of any function, by senders at once."""
    found = {}
    with serving(source, settings) as instance:
        instance.first(ground.alert())
        for count in senders:
            ground.forget()
            answers, took = _sent(ground, instance, count, seconds)
            found[count] = answers / took
    return found


def _point(ground: Ground, instance: Served, count: int, seconds: float) -> Point:
    spent = instance.processor()
    _, took = _sent(ground, instance, count, seconds)
    orders = len(ground.orders())
    now = instance.processor()
    each = None if spent is None or now is None else (now - spent) / orders
    return Point(count, orders / took, each)


def _sent(
    ground: Ground, instance: Served, count: int, seconds: float
) -> tuple[int, float]:
    """Send for some seconds; return the answers and the seconds it took."""
    began = time.monotonic()
    failed: list[Exception] = []
    answers = [0] * count

    def send(place: int) -> None:
        try:
            while time.monotonic() < began + seconds:
                instance.must(instance.deliver(ground.alert()))
                answers[place] += 1
        except Exception as error:  # told by the caller's thread
            failed.append(error)

    threads = [
        threading.Thread(target=send, args=(place,), daemon=True)
        for place in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return sum(answers), time.monotonic() - began


def svg(curves: Mapping[str, Sequence[Point]]) -> str:
    """Return the curves as one picture: senders across, orders a second up."""
    most = max(point.orders for points in curves.values() for point in points)
    top = -(-int(most) // 50) * 50 or 50
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
    ]
    for level in range(0, top + 1, 50):
        y = _down(level, top)
        parts.append(
            f'<path d="M{_LEFT} {y}H{_WIDTH - 8}" stroke="#ddd"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{level}</text>'
        )
    for (name, points), colour in zip(curves.items(), _COLOURS, strict=False):
        places = [
            (_across(n, len(points)), _down(p.orders, top))
            for n, p in enumerate(points)
        ]
        line = " ".join(f"{x},{y}" for x, y in places)
        x, y = places[-1]
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" '
            f'stroke-width="2"/><text x="{x}" y="{y - 6}" text-anchor="end" '
            f'fill="{colour}">{escape(name)}</text>'
        )
    first = next(iter(curves.values()))
    for n, point in enumerate(first):
        parts.append(
            f'<text x="{_across(n, len(first))}" y="{_HEIGHT - 10}" '
            f'text-anchor="middle">{point.senders}</text>'
        )
    parts.append('<text x="6" y="14">orders a second, by alerts at once</text></svg>')
    return "\n".join(parts) + "\n"


def _across(place: int, count: int) -> float:
    return round(_LEFT + 16 + place * (_WIDTH - _LEFT - 40) / max(1, count - 1), 1)


def _down(value: float, top: int) -> float:
    return round(_HEIGHT - _FOOT - value / top * (_HEIGHT - _FOOT - 24), 1)
