"""Option chain and quote as values: what GET /options-chain-v3 and /quotes answer.

A row that cannot be read is left out: a chain that lacks a contract is no quote of it,
and nothing is decided on what is not there.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from shared.adapters.fyers.rows import HIGHEST, Row
from shared.broker import Unreadable
from shared.models import OptionChain, Quote


def option_chain(payload: Row) -> OptionChain:
    """Return the chain; raise `Unreadable` where the answer is no chain at all."""
    data = payload.get("data")
    rows = data.get("optionsChain") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(rows, list):
        raise Unreadable("FYERS's answer has no option chain")
    price: Decimal | None = None
    quotes: dict[str, Quote] = {}
    for row in (row for row in rows if isinstance(row, dict)):
        ticker = row.get("symbol")
        if row.get("option_type") == "":
            price = _price(row.get("ltp"))
        elif isinstance(ticker, str):
            quotes[ticker] = Quote(
                _price(row.get("ltp")), _price(row.get("bid")), _price(row.get("ask"))
            )
    return OptionChain(price, quotes, _timestamps(data.get("expiryData")))


def quote(payload: Row, ticker: str) -> Quote | None:
    """Return a ticker's quote, None where FYERS says that there is no such ticker.

    Raises `Unreadable` where it says anything else, or nothing, about it: that may be
    over by the next try.
    """
    rows = payload.get("d")
    if not isinstance(rows, list):
        raise Unreadable("FYERS's answer has no list d")
    for row in (row for row in rows if isinstance(row, dict)):
        if row.get("n") != ticker:
            continue
        values = row.get("v")
        if not isinstance(values, dict):
            raise Unreadable("FYERS sent a quote without values")
        if row.get("s") == "ok":
            return Quote(*(_price(values.get(key)) for key in ("lp", "bid", "ask")))
        if "invalid" in str(values.get("errmsg", "")).lower():
            return None
        raise Unreadable("FYERS has no quote of the contract right now")
    raise Unreadable("FYERS's answer says nothing about the contract")


def _timestamps(value: object) -> dict[date, str]:
    """Return FYERS's own epochs: the master's may say another time of the day."""
    found: dict[date, str] = {}
    for row in value if isinstance(value, list) else []:
        if isinstance(row, dict) and isinstance(row.get("expiry"), str):
            try:
                # Only the date is taken: it is the exchange's, without a time.
                day = datetime.strptime(str(row.get("date")), "%d-%m-%Y").date()  # noqa: DTZ007
            except ValueError:
                continue
            found[day] = row["expiry"]
    return found


def _price(value: object) -> Decimal | None:
    """Return a price above 0, as number or text, else None."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 < number < HIGHEST else None
