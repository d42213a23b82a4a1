"""Which contract an alert means whose strike is counted from the money.

An entry is decided by the underlying's price now, by one option chain, which is the
contract's quote too. The chosen contract is kept in the claim: a resend never chooses
again. A close names what is held: the price may have moved since it was opened.
"""

from __future__ import annotations

from datetime import date

from shared.broker import Turn
from shared.errors import BadRequest, Unavailable
from shared.models import PAPER, Alert, Contract, Deadline, RelativeStrike
from shared.orders.exiting import list_positions
from shared.orders.ports import SETTLE, Chosen, Parts
from shared.symbols import Expiry, underlying_symbol

AROUND = 2
"""Strikes asked for beyond the one wanted."""


class Choosing:
    """The choice of contracts; remembers FYERS's own epochs of expiries."""

    def __init__(self) -> None:
        self._timestamps: dict[tuple[str, date], str] = {}

    def near(self, parts: Parts, alert: Alert, turn: Turn) -> Chosen:
        """Return the contract so many steps from the money now.

        Raises `Unavailable` without the underlying's price, `BadRequest` beyond the
        last strike, or what the broker raises.
        """
        wanted, option_type = alert.strike, alert.option_type
        if not isinstance(wanted, RelativeStrike) or option_type is None:
            raise BadRequest("strikeprice and optionType are missing")
        expiry = parts.expiry(alert, turn.deadline)
        name = underlying_symbol(expiry.underlying, expiry.exchange)
        count = abs(wanted.steps) + AROUND
        nearest = parts.nearest(alert, turn.deadline)
        timestamp = "" if nearest == expiry.day else self._timestamp(name, expiry)
        chain = parts.broker.chain(name, count, timestamp, turn)
        for day, known in chain.timestamps.items():
            self._timestamps[name, day] = known
        if not timestamp and nearest != expiry.day:
            timestamp = self._timestamp(name, expiry)
            if not timestamp:
                raise Unavailable(f"FYERS lists no option chain for {expiry.day}")
            chain = parts.broker.chain(name, count, timestamp, turn)
        if chain.price is None:
            raise Unavailable(f"FYERS gives no price of {expiry.underlying}")
        contract = expiry.near(wanted, option_type, chain.price)
        return Chosen(contract, chain.quotes.get(contract.ticker))

    def _timestamp(self, name: str, expiry: Expiry) -> str:
        return self._timestamps.get((name, expiry.day), "")

    def held(self, parts: Parts, alert: Alert, deadline: Deadline) -> Contract:
        """Return the contract a close with a relative strike means.

        The one open contract of ours that fits symbol and type; of several the one that
        the words name now. Raises `BadRequest` `ambiguous_position` naming them.
        """
        children = list_positions(parts, alert, deadline)
        contracts = tuple(dict.fromkeys(child.contract for child in children))
        if len(contracts) == 1:
            return contracts[0]
        turn = parts.broker.turn(2, deadline.minus(SETTLE))
        named = self.near(parts, alert, turn).contract.ticker
        for contract in contracts:
            if contract.ticker.removeprefix(PAPER) == named:
                return contract
        tickers = ", ".join(contract.ticker for contract in contracts)
        raise BadRequest(
            f"{alert.words} is none of the contracts that are open: {tickers}; name "
            "the strike",
            "ambiguous_position",
        )
