"""Which exchange an underlying is looked for at, and what one that is silent costs."""

from datetime import timedelta
from decimal import Decimal

import pytest

from shared.errors import BadRequest, Unavailable
from shared.models import Contract, ExpiryWord, OptionType
from shared.symbols import Symbols, underlying_symbol
from tests.unit.symbol_rows import (
    FOREVER,
    NOW,
    Clockwork,
    KeptBytes,
    bse,
    market,
    packed,
    row,
)


class Desk:
    """Both exchanges over scripted stores."""

    def __init__(self, nse: bytes | None, bse_: bytes | None) -> None:
        self.nse, self.bse = KeptBytes(nse), KeptBytes(bse_)
        self.clock = Clockwork()
        self.symbols = Symbols({"BSE": self.bse, "NSE": self.nse}, self.clock)

    def find(self, underlying: str, exchange: str = "") -> Contract:
        strike = "25800" if underlying == "NIFTY" else "1400"
        return self.symbols.find(
            underlying,
            ExpiryWord.MONTHLY,
            Decimal(strike),
            OptionType.CE,
            FOREVER,
            exchange,
        )


@pytest.fixture
def desk() -> Desk:
    return Desk(packed(), bse(("SENSEX", "RELIANCE", "ONLYBSE")))


@pytest.mark.parametrize(
    ("underlying", "exchange", "ticker"),
    [
        ("NIFTY", "", "NSE:NIFTY26FEB25800CE"),
        ("SENSEX", "", "BSE:SENSEX26FEB1400CE"),
        ("sensex", "BSE", "BSE:SENSEX26FEB1400CE"),
        ("ONLYBSE", "", "BSE:ONLYBSE26FEB1400CE"),
        ("RELIANCE", "", "NSE:RELIANCE26FEB1400CE"),
        ("RELIANCE", "NSE", "NSE:RELIANCE26FEB1400CE"),
        ("RELIANCE", "BSE", "BSE:RELIANCE26FEB1400CE"),
    ],
)
def test_an_underlying_in_both_is_nses_unless_its_exchange_is_named(
    desk: Desk, underlying: str, exchange: str, ticker: str
) -> None:
    assert desk.find(underlying, exchange).ticker == ticker


@pytest.mark.parametrize(
    ("underlying", "exchange", "where"),
    [("NOPE", "", "NSE or BSE"), ("NIFTY", "BSE", "BSE"), ("ONLYBSE", "NSE", "NSE")],
)
def test_what_neither_lists_is_refused_naming_where_it_was_looked_for(
    desk: Desk, underlying: str, exchange: str, where: str
) -> None:
    with pytest.raises(BadRequest, match=f"is not an underlying of {where} options"):
        desk.find(underlying, exchange)


def test_an_index_of_bse_needs_nothing_of_nse(desk: Desk) -> None:
    desk.nse.down = True
    assert desk.find("SENSEX").underlying == "SENSEX"
    assert desk.nse.reads == 0


def test_nse_needs_nothing_of_bse(desk: Desk) -> None:
    desk.bse.down = True
    assert desk.find("NIFTY").underlying == "NIFTY"
    assert desk.find("RELIANCE").ticker.startswith("NSE:")


def test_a_stock_of_bse_waits_for_nse_which_might_list_it_too(desk: Desk) -> None:
    desk.nse.down = True
    with pytest.raises(Unavailable):
        desk.find("ONLYBSE")
    assert desk.find("ONLYBSE", "BSE").underlying == "ONLYBSE"


def test_without_bses_snapshot_an_unknown_name_is_not_known_not_refused() -> None:
    with pytest.raises(Unavailable, match="no symbol snapshot of BSE"):
        Desk(packed(), None).find("ONLYBSE")


def test_a_warm_lookup_at_bse_reads_no_store(desk: Desk) -> None:
    desk.find("ONLYBSE")
    before = (desk.nse.reads, desk.bse.reads)
    desk.find("ONLYBSE")
    assert (desk.nse.reads, desk.bse.reads) == before == (1, 1)


def test_an_exchange_that_is_not_set_up_is_named() -> None:
    symbols = Symbols({"NSE": KeptBytes(packed())}, Clockwork())
    with pytest.raises(BadRequest, match="BSE is not among SYMBOL_MASTER_URLS"):
        symbols.expiry("SENSEX", ExpiryWord.WEEKLY, FOREVER, "BSE")


def test_snapshots_in_each_others_place_are_not_believed() -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        Desk(bse(), packed()).find("SENSEX")


def test_an_underlying_left_out_says_so_and_is_not_taken_from_the_other() -> None:
    odd = row("RELIANCE", lot="0")
    others = [row(f"NAME{number}") for number in range(20)]
    desk = Desk(packed([*market(), odd, *others]), bse())
    with pytest.raises(BadRequest, match="RELIANCE is left out of the NSE symbols"):
        desk.find("RELIANCE")
    assert desk.find("RELIANCE", "BSE").ticker.startswith("BSE:")


def test_every_underlying_can_be_listed(desk: Desk) -> None:
    names = desk.symbols.underlyings(FOREVER)
    assert {"NIFTY", "M&M", "SENSEX", "ONLYBSE"} <= set(names)
    assert "meta.json" not in names
    assert list(names) == sorted(names)


def test_a_chain_has_its_expiries_and_their_exchange(desk: Desk) -> None:
    chain = desk.symbols.chain("SENSEX", FOREVER)
    assert [expiry.exchange for expiry in chain.expiries] == ["BSE"]
    assert chain.expiries[0].strikes(OptionType.PE) == (Decimal(1400),)
    assert chain.expiry(ExpiryWord.WEEKLY, NOW).monthly


@pytest.mark.parametrize(
    ("underlying", "exchange", "ticker"),
    [
        ("NIFTY", "NSE", "NSE:NIFTY50-INDEX"),
        ("BANKNIFTY", "NSE", "NSE:NIFTYBANK-INDEX"),
        ("FINNIFTY", "NSE", "NSE:FINNIFTY-INDEX"),
        ("MIDCPNIFTY", "NSE", "NSE:MIDCPNIFTY-INDEX"),
        ("SENSEX", "BSE", "BSE:SENSEX-INDEX"),
        ("BANKEX", "BSE", "BSE:BANKEX-INDEX"),
        ("RELIANCE", "NSE", "NSE:RELIANCE-EQ"),
        ("RELIANCE", "BSE", "BSE:RELIANCE-A"),
        ("M&M", "NSE", "NSE:M&M-EQ"),
    ],
)
def test_the_ticker_an_underlying_is_quoted_under(
    underlying: str, exchange: str, ticker: str
) -> None:
    assert underlying_symbol(underlying, exchange) == ticker


def test_an_old_listing_of_nse_does_not_hand_a_stock_to_bse(desk: Desk) -> None:
    """NSE may list it by now, and would go first."""
    assert desk.find("ONLYBSE").ticker.startswith("BSE:")
    desk.nse.down = True
    desk.clock.now += timedelta(hours=25)
    with pytest.raises(Unavailable, match="could not be renewed"):
        desk.find("ONLYBSE")
