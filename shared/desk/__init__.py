"""The owner's page: who may see it, what it shows, and what can be done from it.

It reads the stores and never calls FYERS. What moves money leaves it as an alert to the
webhook.
"""

from __future__ import annotations

from shared.desk.access import Access, Latest, Session, Tickets
from shared.desk.acting import (
    AlertSender,
    DeskParts,
    Fields,
    Heard,
    Outcome,
    Tap,
    What,
    act,
    read_tap,
)
from shared.desk.board import (
    Board,
    HouseRules,
    Stores,
    read_board,
    read_day,
    read_guard,
)
from shared.desk.journal import as_csv
from shared.desk.stories import Step, Tale, Tone
from shared.desk.view import (
    Alarm,
    Curve,
    DayBefore,
    Front,
    Holding,
    Past,
    Rail,
    front,
    past,
)

__all__ = [
    "Access",
    "Alarm",
    "AlertSender",
    "Board",
    "Curve",
    "DayBefore",
    "DeskParts",
    "Fields",
    "Front",
    "Heard",
    "Holding",
    "HouseRules",
    "Latest",
    "Outcome",
    "Past",
    "Rail",
    "Session",
    "Step",
    "Stores",
    "Tale",
    "Tap",
    "Tickets",
    "Tone",
    "What",
    "act",
    "as_csv",
    "front",
    "past",
    "read_board",
    "read_day",
    "read_guard",
    "read_tap",
]
