"""The stand-in without its sockets: what a test or a person may look at and change."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import chain

from simulator import master
from simulator.api import Api
from simulator.auth import Auth
from simulator.contracts import Catalogue
from simulator.exchange import Exchange
from simulator.faults import Faults
from simulator.limits import Limits
from simulator.market import Market
from simulator.master_file import MasterFile, bse_lines_of, lines_of
from simulator.options import Options


class World:
    """One FYERS account and its exchanges."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._given = replace(options)
        lines, bse_lines = lines_of(options), bse_lines_of(options)
        self.master = MasterFile(master.text(lines))
        self.bse_master = MasterFile(master.text(bse_lines))
        self.market = Market(Catalogue(chain(lines, bse_lines)), options.clock)
        self.exchange = Exchange(self.market, options)
        self.auth = Auth(options)
        self.limits = Limits(options.clock, options.ticks)
        self.faults = Faults()
        self.calls = self.exchange.calls
        self.api = Api(self.exchange, self.auth, options)

    def login(self) -> dict[str, str]:
        """Return fresh tokens without a browser."""
        return self.auth.issue()

    def serve_master(self, content: bytes, exchange: str = "NSE") -> None:
        """Serve other bytes as a symbol master; the exchange keeps its contracts."""
        if exchange == "BSE":
            self.bse_master = MasterFile(content)
        else:
            self.master = MasterFile(content)

    def reset(self) -> None:
        """Return to the state of the start; tokens stay good."""
        with self.exchange.lock:
            for field in fields(Options):
                setattr(self.options, field.name, getattr(self._given, field.name))
            self.market.clear()
            self.exchange.clear()
            self.faults.clear()
            self.limits = Limits(self.options.clock, self.options.ticks)
