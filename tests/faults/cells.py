"""How the matrix is written down, and read.

A table is text: one header, one row per line, columns parted by `|`. The first column
says what goes wrong, as `where what when`:

    place reset,cut before,after + phone down

reads: the reply to the order call is reset or cut, before or after the order took
effect (four cells), and the owner's phone is down. What follows a `+` goes wrong
besides; after `later` it goes wrong only while reconcile runs.

    where    place quote positions book cancel resize: a call of FYERS's
             create read take sending done released unknown not_sent mark watched once
             ledger strike: a step of the claim store (`mark`: a write that leaves the
             state as it is; `strike`: out of the ledger). A close's `sending` marks its
             lane in the same commit, its `released`, or `done` of a refusal, ends it.
             look lane back: the lane is read, taken, given back
             guard: a write of what the guard saw and told
             token symbols: reads of the other stores; login: what the token store holds
             phone: where the owner is told; delivery: the webhook function as a whole
             bucket: Cloud Storage itself, `down` or `hang`
             hand: a person placed the `same` order just now, or an `other` one
             lag: FYERS shows `positions`, rows of the `book` or `fills` so much later,
             and what a cell begins with happened just now
             then: `other:40`, another alert of the same kind comes 40 s later
    what     a fault of the simulator's, with its seconds: `rate:30`
             unavailable  not applied, an error      hangs   not applied, no answer
             lost         applied, an error          stuck   applied, no answer
             late:0.3     an error, applied after 0.3 s      slow:0.3
             kill         SIGKILL                    hold    stands still for a while
             cold         the instance has nothing in memory
             severed frozen muted: the network to Firestore until the delivery is over
             `*` after it: every time until reconcile; `*2`: twice; `@2`: the second
             time only
    when     before or after the step

The other columns: the alerts (SELL opens a short, BUY closes one, PART closes half of
one of two lots, ALL the whole of it, KEYLESS is a SELL without a key, 2xSELL the same
one twice at once, 2+BUY two at once that are not the same), TradingView's view of its
deliveries (`cut`, `gone`, `late` as in `tradingview`; of several alerts, what each may
end with), orders at FYERS, the claim after reconcile (of several, each state once), and
what the owner was told, in order. `/` parts what is right either way. `delivery_failed`
is told, once by each instance, of a delivery that ended without a claim to carry it.

`meanwhile resend` or `meanwhile reconcile`: what happens while the delivery (or after
`later` the run of reconcile) stands still at its `hold`; 5 s and 60 s pass before.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

COLUMNS = ("goes wrong", "alert", "replies", "orders", "claim", "told")
ALERTS = ("SELL", "BUY", "PART", "ALL", "KEYLESS")
MANY = re.compile(r"(?:(\d+)([x+]))?([A-Z]+)")
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
    skip: int = 0
    """How often it goes well before."""

    def __str__(self) -> str:
        seconds = "" if self.seconds is None else f":{self.seconds:g}"
        times = {1: "", EVER: "*"}.get(self.times, f"*{self.times}")
        later = "later-" if self.later else ""
        nth = f"@{self.skip + 1}" if self.skip else ""
        return f"{later}{self.where}-{self.what}{seconds}{times}{nth}-{self.when}"


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
    first: bool = True
    """The first of its row with this alert."""

    @property
    def times(self) -> int:
        """Return how often the alert arrives at once."""
        return int(self._parts[1] or 1)

    @property
    def kind(self) -> str:
        """Return which alert it is, one of `ALERTS`."""
        return self._parts[3]

    @property
    def rivals(self) -> bool:
        """Return whether the alerts that arrive at once are different ones."""
        return self._parts[2] == "+"

    @property
    def then(self) -> float:
        """Return after how many seconds another alert follows, 0 for none."""
        return next((w.seconds or 0.0 for w in self.wrong if w.where == "then"), 0.0)

    @property
    def _parts(self) -> re.Match[str]:
        found = MANY.fullmatch(self.alert)
        if found is None or found[3] not in ALERTS:
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


def chosen(cells: Iterable[Cell]) -> list[Cell]:
    """Return the cells to play: one kind of failure of each row, or with FAULTS=all.

    A row ends alike for every kind it names; what tells them apart is FYERS's adapter,
    which has tests of its own.
    """
    everything = os.environ.get("FAULTS") == "all"
    return [cell for cell in cells if cell.first or everything]


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
    if not {state for each in claims for state in each.split("+")} <= set(CLAIMS):
        raise ValueError(f"{name}: no such claim: {claim}")
    first, *others = wrong.split("+")
    extras = tuple(next(iter(_wrongs(other))) for other in others)
    seen: set[str] = set()
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
            first=alert not in seen,
        )
        seen.add(alert)
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
        what, _, nth = what.partition("@")
        kind, star, count = what.partition("*")
        kind, _, seconds = kind.partition(":")
        times = int(count) if count else EVER if star else 1
        if moment not in ("before", "after"):
            raise ValueError(f"before or after, not {moment}")
        delay = float(seconds) if seconds else None
        skip = int(nth or 1) - 1
        yield Wrong(where, kind, moment, delay, times, later, skip)
