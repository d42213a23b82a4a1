"""From an alert's words to the contract, over the snapshots of all exchanges.

Only a snapshot that is fresh and was readable just now may say that something is not
listed (400); otherwise that is not known (503).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, TypeVar

from shared.errors import BadRequest, Unavailable
from shared.models import (
    IST,
    Clock,
    Contract,
    Deadline,
    OptionType,
    WantedExpiry,
)
from shared.symbols.cached import CachedSnapshot
from shared.symbols.chain import Chain, Expiry, unknown
from shared.symbols.ports import SymbolStore
from shared.symbols.snapshot import Snapshot, SnapshotRefused, Summary
from shared.symbols.underlyings import EXCHANGES, home

VOUCHED = timedelta(days=21)
"""Weeklies are listed about four weeks ahead. In an older file the nearest expiry may
no longer be the nearest at the exchange, so `WEEKLY` could mean another contract."""


_T = TypeVar("_T")
_Look = Callable[[Snapshot, Chain, datetime], _T]


class Symbols:
    """The contracts, as the webhook asks for them; safe to use from several threads.

    `stores` holds one snapshot per exchange. An underlying in both is NSE's unless its
    exchange is named.
    """

    def __init__(self, stores: Mapping[str, SymbolStore], clock: Clock) -> None:
        self._kept = {
            exchange: CachedSnapshot(exchange, stores[exchange])
            for exchange in EXCHANGES
            if exchange in stores
        }
        self._clock = clock

    @property
    def at_hand(self) -> bool:
        """Return whether a snapshot is in memory, and none there is in doubt.

        An exchange that no alert has named yet is read when one does.
        """
        now = self._clock()
        read = [kept for kept in self._kept.values() if kept.summary is not None]
        return bool(read) and not any(kept.doubtful(now) for kept in read)

    def find(
        self,
        underlying: str,
        expiry: WantedExpiry,
        strike: Decimal,
        option_type: OptionType,
        deadline: Deadline,
        exchange: str = "",
    ) -> Contract:
        """Return the one contract meant.

        Raises `BadRequest` `unknown_symbol` for what is not listed, `Unavailable`
        without a snapshot that can tell.
        """

        def look(snapshot: Snapshot, chain: Chain, now: datetime) -> Contract:
            _vouch(snapshot, expiry, now)
            return chain.expiry(expiry, now).contract(strike, option_type)

        return self._ask(underlying, exchange, deadline, look)

    def expiry(
        self,
        underlying: str,
        expiry: WantedExpiry,
        deadline: Deadline,
        exchange: str = "",
    ) -> Expiry:
        """Return the expiry meant, for a strike that the price decides; see `find`."""

        def look(snapshot: Snapshot, chain: Chain, now: datetime) -> Expiry:
            _vouch(snapshot, expiry, now)
            return chain.expiry(expiry, now)

        return self._ask(underlying, exchange, deadline, look)

    def chain(self, underlying: str, deadline: Deadline, exchange: str = "") -> Chain:
        """Return all that is listed of an underlying; see `find`."""
        return self._ask(underlying, exchange, deadline, lambda _, chain, __: chain)

    def underlyings(self, deadline: Deadline) -> tuple[str, ...]:
        """Return every underlying's name, in order; raise `Unavailable`.

        An exchange without a snapshot adds none, unless there is no other.
        """
        now, names = self._clock(), set[str]()
        missing: Unavailable | None = None
        for kept in self._kept.values():
            try:
                names |= kept.current(now, deadline).underlyings()
            except Unavailable as problem:
                missing = problem
        if missing and not names:
            raise missing
        return tuple(sorted(names))

    def load(self, exchange: str, deadline: Deadline) -> Summary:
        """Return what is in memory, read first if need be; raise `Unavailable`."""
        return self._kept[exchange].current(self._clock(), deadline).summary

    def describe(self, exchange: str) -> Summary | None:
        """Return what is in memory, without any I/O; None where nothing is."""
        return self._kept[exchange].summary

    def _ask(
        self, underlying: str, exchange: str, deadline: Deadline, look: _Look[_T]
    ) -> _T:
        now = self._clock()
        name = underlying.upper() if underlying.isascii() else ""
        places = self._places(name, exchange)
        asked = _Asked(name or underlying, now, deadline)
        try:
            return _answer(places, CachedSnapshot.current, asked, look)
        except (BadRequest, SnapshotRefused):
            pass  # it may have been listed, or repaired, since the snapshot was read
        try:
            return _answer(places, CachedSnapshot.reread, asked, look)
        except SnapshotRefused as damage:
            raise Unavailable("the symbol snapshot is damaged") from damage
        except BadRequest as missing:
            dates = [
                str(kept.summary.as_of)
                for kept in places
                if kept.doubtful(now) and kept.summary
            ]
            if not dates:
                raise
            raise Unavailable(
                f"{missing.message} (symbols of {' and '.join(dates)}, "
                "which could not be renewed)"
            ) from missing

    def _places(self, name: str, exchange: str) -> tuple[CachedSnapshot, ...]:
        """Return where an underlying may be listed, in the order of precedence."""
        only = exchange or home(name)
        if only in self._kept:
            return (self._kept[only],)
        if exchange:
            raise unknown(f"{exchange} is not among SYMBOL_MASTER_URLS")
        return tuple(self._kept.values())


class _Asked(NamedTuple):
    name: str
    now: datetime
    deadline: Deadline


def _answer(
    places: tuple[CachedSnapshot, ...],
    read: Callable[[CachedSnapshot, datetime, Deadline], Snapshot],
    asked: _Asked,
    look: _Look[_T],
) -> _T:
    """Answer from the first exchange that lists the underlying."""
    for kept in places:
        snapshot = read(kept, asked.now, asked.deadline)
        chain = snapshot.chain(asked.name)
        if chain is not None:
            return look(snapshot, chain, asked.now)
        if asked.name in snapshot.summary.left_out:
            raise unknown(
                f"{asked.name} is left out of the {kept.exchange} symbols of "
                f"{snapshot.summary.as_of}: its rows in FYERS's file contradict "
                "each other"
            )
        if kept.doubtful(asked.now):
            break  # it may be listed here by now, and would go before the next
    where = " or ".join(kept.exchange for kept in places)
    raise unknown(f"{asked.name[:40]} is not an underlying of {where} options")


def _vouch(snapshot: Snapshot, expiry: WantedExpiry, now: datetime) -> None:
    """Raise `Unavailable` where the snapshot is too old to tell what a word means."""
    age = now.astimezone(IST).date() - snapshot.summary.as_of
    if not isinstance(expiry, date) and age > VOUCHED:
        raise Unavailable(
            f"the symbols are {age.days} days old and cannot tell the {expiry} expiry"
        )
