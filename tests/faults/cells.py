"""How the matrix is written down, and read.

A table is text: one header, one row per line, columns parted by `|`. The first column
says what goes wrong, as `where what when`:

    place reset,cut before,after + phone down

reads: the reply to the order call is reset or cut, before or after the order took
effect (four cells), and the owner's phone is down. What follows a `+` goes wrong
besides; after `later` it goes wrong only while reconcile runs.

    where    place quote positions book cancel resize: a call of FYERS's
             create read take sending done released unknown not_sent mark watched once
             forget: a step of the claim store (`mark`: a write that leaves the state as
             it is; `once` and `forget` frame the closing of a position)
             token symbols: reads of the other stores; login: what the token store holds
             phone: where the owner is told; delivery: the webhook function as a whole
             bucket: Cloud Storage itself, `down` or `hang`
             hand: a person placed the `same` order just now, or an `other` one
    what     a fault of the simulator's, with its seconds: `rate:30`
             unavailable  not applied, an error      hangs   not applied, no answer
             lost         applied, an error          stuck   applied, no answer
             late:0.3     an error, applied after 0.3 s      slow:0.3
             kill         SIGKILL                    hold    stands still for a while
             cold         the instance has nothing in memory
             severed frozen muted: the network to Firestore until the delivery is over
             `*` after it: every time until reconcile; `*2`: twice
    when     before or after the step

The other columns: the alerts (SELL opens a short, BUY closes one, PART closes half of
one, KEYLESS is a SELL without a key, 2xSELL the same one twice at once), TradingView's
view of its deliveries (`cut`, `gone`, `late` as in `tradingview`; of alerts at once,
what each may end with), orders at FYERS, the claim after reconcile, and what the owner
was told, in order. `/` parts what is right either way. `delivery_failed` is told, once
by each instance, of a delivery that ended without a claim to carry the word.

`meanwhile resend` or `meanwhile reconcile`: what happens while the delivery (or after
`later` the run of reconcile) stands still at its `hold`; 5 s and 60 s pass before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

COLUMNS = ("goes wrong", "alert", "replies", "orders", "claim", "told")
ALERTS = ("SELL", "BUY", "PART", "KEYLESS")
MANY = re.compile(r"(?:(\d+)x)?(\w+)")
CLAIMS = ("DONE", "NOT_SENT", "UNKNOWN", "RELEASED", "CLAIMED", "SENDING", "none")
EVER = -1


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that goes wrong."""

    where: str
    what: str
    when: str = "after"
    seconds: float | None = None
    times: int = 1
    later: bool = False
    """Only while reconcile runs."""

    def __str__(self) -> str:
        seconds = "" if self.seconds is None else f":{self.seconds:g}"
        times = {1: "", EVER: "*"}.get(self.times, f"*{self.times}")
        later = "later-" if self.later else ""
        return f"{later}{self.where}-{self.what}{seconds}{times}-{self.when}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One case of the matrix and what must come of it."""

    table: str
    wrong: tuple[Wrong, ...]
    alert: str
    replies: tuple[str, ...]
    """Per trigger's delivery; in a race, what each trigger may end with."""
    orders: tuple[int, ...]
    claim: tuple[str, ...]
    told: tuple[tuple[str, ...], ...]

    @property
    def times(self) -> int:
        """Return how often the alert arrives at once."""
        return int(self._parts[1] or 1)

    @property
    def kind(self) -> str:
        """Return which alert it is, one of `ALERTS`."""
        return self._parts[2]

    @property
    def _parts(self) -> re.Match[str]:
        found = MANY.fullmatch(self.alert)
        if found is None or found[2] not in ALERTS:
            raise ValueError(f"no such alert: {self.alert}")
        return found

    @property
    def meanwhile(self) -> str:
        """Return what happens while something stands still, or nothing."""
        return next((w.what for w in self.wrong if w.where == "meanwhile"), "")

    @property
    def id(self) -> str:
        """Return the cell's name in pytest."""
        wrong = "+".join(str(each) for each in self.wrong) or "nothing"
        unanswered = "-gone" if "gone" in "/".join(self.replies) else ""
        return f"{self.table}-{wrong}-{self.alert}{unanswered}"


def read(name: str, text: str) -> list[Cell]:
    """Return a table's cells; raise ValueError for a row that cannot be read."""
    header, *rows = [line for line in text.strip().splitlines() if line.strip()]
    if tuple(part.strip() for part in header.split("|")) != COLUMNS:
        raise ValueError(f"{name}: the columns are {COLUMNS}")
    return [cell for row in rows for cell in _row(name, row)]


def _row(name: str, row: str) -> Iterator[Cell]:
    parts = [part.strip() for part in row.split("|")]
    if len(parts) != len(COLUMNS):
        raise ValueError(f"{name}: {len(COLUMNS)} columns, not {len(parts)}: {row}")
    wrong, alerts, replies, orders, claim, told = parts
    claims = tuple(claim.split("/"))
    if not set(claims) <= set(CLAIMS):
        raise ValueError(f"{name}: no such claim: {claim}")
    first, *others = wrong.split("+")
    extras = tuple(next(iter(_wrongs(other))) for other in others)
    for each, alert in product(_wrongs(first), alerts.split()):
        cell = Cell(
            table=name,
            wrong=(*((each,) if each else ()), *(e for e in extras if e)),
            alert=alert,
            replies=tuple(replies.split()),
            orders=tuple(int(count) for count in orders.split("/")),
            claim=claims,
            told=tuple(
                tuple(one.split()) if one.strip() != "-" else ()
                for one in told.split("/")
            ),
        )
        if not cell.kind or cell.times < 1:
            raise ValueError(f"{name}: no such alert: {alert}")
        yield cell


def _wrongs(text: str) -> Iterator[Wrong | None]:
    words = text.split()
    if words == ["-"]:
        yield None
        return
    later = words[0] == "later"
    where, whats, *when = words[later:]
    for what, moment in product(whats.split(","), (when or ["after"])[0].split(",")):
        kind, star, count = what.partition("*")
        kind, _, seconds = kind.partition(":")
        times = int(count) if count else EVER if star else 1
        if moment not in ("before", "after"):
            raise ValueError(f"before or after, not {moment}")
        yield Wrong(
            where, kind, moment, float(seconds) if seconds else None, times, later
        )
