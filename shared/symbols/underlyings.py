"""Underlyings: at which exchange, and under which ticker FYERS quotes them."""

from __future__ import annotations

from collections.abc import Mapping

EXCHANGES = ("NSE", "BSE")
"""In the order in which an underlying without an exchange is looked for."""

_INDEXES: Mapping[str, str] = {
    "NIFTY": "NSE:NIFTY50-INDEX",
    "BANKNIFTY": "NSE:NIFTYBANK-INDEX",
    "FINNIFTY": "NSE:FINNIFTY-INDEX",
    "MIDCPNIFTY": "NSE:MIDCPNIFTY-INDEX",
    "NIFTYNXT50": "NSE:NIFTYNXT50-INDEX",
    "SENSEX": "BSE:SENSEX-INDEX",
    "BANKEX": "BSE:BANKEX-INDEX",
    "SENSEX50": "BSE:SENSEX50-INDEX",
}


def underlying_symbol(underlying: str, exchange: str) -> str:
    """Return FYERS's ticker of an underlying, for its option chain.

    A stock of `BSE` is of group A there, as every stock with options is.
    """
    series = "EQ" if exchange == "NSE" else "A"
    return _INDEXES.get(underlying) or f"{exchange}:{underlying}-{series}"


def home(underlying: str) -> str:
    """Return the one exchange of an index, empty for a stock."""
    return _INDEXES.get(underlying, "").partition(":")[0]


def indexes(exchange: str) -> frozenset[str]:
    """Return the indexes with options at an exchange."""
    return frozenset(name for name in _INDEXES if home(name) == exchange)
