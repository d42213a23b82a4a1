"""FYERS's endpoints: which call is answered by what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from simulator.auth import Auth
from simulator.book import NO_PRICES, Order
from simulator.data import Data
from simulator.exchange import Exchange
from simulator.faults import Fault
from simulator.login import login
from simulator.margin import used
from simulator.market import Market, Prices
from simulator.options import Options
from simulator.placing import place_order
from simulator.positions import Position
from simulator.rewrite import rewritten
from simulator.rules import BUY, MARKET, PRODUCTS, SELL, Wish, invalid, whole
from simulator.several import one_by_one
from simulator.wire import Payload, Refused, Reply, Request, ok, page

TRADING, DATA = "/api/v3", "/data"
WAF_PAGE = "<html><head><title>403 Forbidden</title></head><body>Blocked</body></html>"
WRITES = ("POST", "PATCH", "DELETE")

Handler = Callable[[Request, Fault | None], Reply]


class Api:
    """The trading and data endpoints over one exchange."""

    def __init__(self, exchange: Exchange, auth: Auth, options: Options) -> None:
        self.exchange = exchange
        self.auth = auth
        self.options = options
        self.market: Market = exchange.market
        data = Data(self.market, options)
        self._routes: dict[tuple[str, str], Handler] = {
            ("GET", f"{TRADING}/profile"): self._profile,
            ("GET", f"{TRADING}/funds"): self._funds,
            ("GET", f"{TRADING}/orders"): self._order_book,
            ("GET", f"{TRADING}/tradebook"): self._trade_book,
            ("GET", f"{TRADING}/positions"): self._positions,
            ("DELETE", f"{TRADING}/positions"): self._exit,
            ("POST", f"{TRADING}/positions"): self._convert,
            ("POST", f"{TRADING}/orders/sync"): self._place,
            ("PATCH", f"{TRADING}/orders/sync"): self._change,
            ("DELETE", f"{TRADING}/orders/sync"): self._cancel,
            ("DELETE", f"{TRADING}/multi-order/sync"): self._cancel_several,
            ("GET", f"{DATA}/quotes"): data.quotes,
            ("GET", f"{DATA}/options-chain-v3"): data.chain,
            ("GET", f"{DATA}/marketStatus"): data.market_status,
        }

    def answer(self, request: Request, treatment: Fault | None = None) -> Reply:
        """Return FYERS's reply; raise `Refused` for its refusals."""
        key = request.method, request.path
        if key == ("POST", f"{TRADING}/validate-authcode"):
            return self.auth.validate_code(request)
        if key == ("POST", f"{TRADING}/validate-refresh-token"):
            return self.auth.refresh(request)
        if request.path == f"{TRADING}/generate-authcode":
            return login(request, self.auth, self.options)
        if key in (("POST", f"{TRADING}/orders"), ("POST", f"{DATA}/quotes")):
            return page(WAF_PAGE, 403)  # stopped before it reaches FYERS
        handler = self._routes.get(key) or self._path_form(request)
        if handler is None:
            raise Refused(404, 404, "Not Found")
        self.auth.check(request)
        self.exchange.settle()
        with self.exchange.lock:
            return handler(request, treatment)

    def _path_form(self, request: Request) -> Handler | None:
        """Return the handler of `DELETE /orders/{id}/sync`."""
        parts = request.path.removeprefix(f"{TRADING}/orders/").split("/")
        if request.method == "DELETE" and len(parts) == 2 and parts[1] == "sync":
            return lambda _request, _treatment: self._cancelled(parts[0])
        return None

    def _profile(self, _request: Request, _treatment: Fault | None) -> Reply:
        data: Payload = {
            "name": "SIMULATED USER",
            "image": None,
            "display_name": None,
            "email_id": "s*****@example.com",
            "PAN": "XXXXX0000X",
            "fy_id": self.options.fy_id,
            "pin_change_date": None,
            "mobile_number": "******0000",
            "totp": True,
            "pwd_change_date": None,
            "pwd_to_expire": 90,
            "ddpi_enabled": False,
            "mtf_enabled": False,
        }
        return ok(data=data)

    def _funds(self, _request: Request, _treatment: Fault | None) -> Reply:
        total, taken = self.options.funds, used(self.exchange.positions)
        amounts = (
            (1, "Total Balance", total),
            (2, "Utilized Amount", taken),
            (3, "Clear Balance", total),
            (4, "Realized Profit and Loss", Decimal(0)),
            (5, "Collaterals", Decimal(0)),
            (6, "Fund Transfer", Decimal(0)),
            (7, "Receivables", Decimal(0)),
            (8, "Adhoc Limit", Decimal(0)),
            (9, "Limit at start of the day", total),
            (10, "Available Balance", total - taken),
        )
        limits = [
            {
                "id": number,
                "title": title,
                "equityAmount": float(amount),
                "commodityAmount": 0,
            }
            for number, title, amount in amounts
        ]
        return ok(fund_limit=limits)

    def _order_book(self, request: Request, _treatment: Fault | None) -> Reply:
        rows = self._order_rows(self.exchange.book, as_shown=True)
        for name, column in (("id", "id"), ("order_tag", "orderTag")):
            if name in request.query:
                rows = [row for row in rows if row[column] == request.query[name]]
        return ok(orderBook=rows)

    def order_rows(self) -> list[Payload]:
        """Return a row for every order there is, shown or not."""
        return self._order_rows(self.exchange.orders)

    def _order_rows(
        self, orders: list[Order], *, as_shown: bool = False
    ) -> list[Payload]:
        rows = [
            {**order.row(n, self._prices(order.symbol)), "clientId": self.options.fy_id}
            for n, order in enumerate(orders, 1)
        ]
        return self._spoiled(rows, self.options.extra_orders) if as_shown else rows

    def _spoiled(
        self, rows: list[Payload], extra: Iterable[Mapping[str, object]]
    ) -> list[Payload]:
        """Return rows as `row_changes` wants them, and the odd ones after them."""
        for change in self.options.row_changes:
            for row in rows:
                if change["match"].items() <= row.items():
                    row.update(change["set"])
        return [*rows, *map(dict, extra)]

    def _trade_book(self, request: Request, _treatment: Fault | None) -> Reply:
        rows = [trade.row(n) for n, trade in enumerate(self.exchange.trades, 1)]
        tag = request.query.get("order_tag")
        rows = [row for row in rows if tag in (None, row["orderTag"])]
        return ok(tradeBook=[{**row, "clientId": self.options.fy_id} for row in rows])

    def _positions(self, _request: Request, _treatment: Fault | None) -> Reply:
        rows = self._position_rows(self.exchange.shown_positions)
        overall = {
            "count_total": len(rows),
            "count_open": sum(1 for row in rows if row["netQty"]),
        }
        for name, column in (
            ("pl_total", "pl"),
            ("pl_realized", "realized_profit"),
            ("pl_unrealized", "unrealized_profit"),
        ):
            total = sum(Decimal(str(row[column])) for row in rows)
            overall[name] = float(total)  # type: ignore[assignment]  # counts, then money
        shown = self._spoiled(rows, self.options.extra_positions)
        return ok(netPositions=shown, overall=overall)

    def position_rows(self) -> list[Payload]:
        """Return a row for every position there is, shown yet or not."""
        return self._position_rows(self.exchange.positions)

    def _position_rows(self, positions: list[Position]) -> list[Payload]:
        return [
            held.row(n, self._prices(held.contract.ticker))
            for n, held in enumerate(positions)
        ]

    def _place(self, request: Request, treatment: Fault | None) -> Reply:
        return place_order(self.exchange, request.payload(), treatment)

    def _change(self, request: Request, _treatment: Fault | None) -> Reply:
        body = request.payload()
        order = self._working(body.get("id"))
        try:
            wish = rewritten(order, body, self.market)
        except Refused as refused:
            refused.extra["id"] = order.id
            raise
        self.exchange.change(order, wish)
        return ok(1102, "Successfully modified order", id=order.id)

    def _cancel(self, request: Request, _treatment: Fault | None) -> Reply:
        return self._cancelled(request.payload().get("id"))

    def _cancel_several(self, request: Request, _treatment: Fault | None) -> Reply:
        return one_by_one(request, lambda body: self._cancelled(body.get("id")))

    def _cancelled(self, order_id: object) -> Reply:
        order = self._working(order_id)
        self.exchange.cancel(order)
        return ok(1103, "Successfully cancelled order", id=order.id)

    def _working(self, order_id: object) -> Order:
        if not isinstance(order_id, str):
            raise invalid()
        if not order_id:
            raise invalid("id: String length must be greater than or equal to 1")
        order = self.exchange.find(order_id)
        extra: Payload = {"id": order_id}
        if order is None:
            raise Refused(400, -51, f"invalid order id: {order_id}", extra)
        if not order.working:
            raise Refused(400, -52, "Not a pending order", extra)
        return order

    def _exit(self, request: Request, _treatment: Fault | None) -> Reply:
        """Close positions by id; an empty object closes all of them, as at FYERS."""
        body = request.payload()
        wanted = body.get("id")
        ids = [wanted] if isinstance(wanted, str) else wanted
        if ids is None and body and body.get("exit_all") != 1:
            raise invalid("id is required")
        for held in self.exchange.positions:
            ticker = held.contract.ticker
            name = f"{ticker}-{held.product}"
            if held.net and (ids is None or (isinstance(ids, list) and name in ids)):
                side, zero = SELL if held.net > 0 else BUY, Decimal(0)
                wish = Wish(
                    held.contract, abs(held.net), MARKET, side, held.product, zero, zero
                )
                self.exchange.place(wish)
        return ok(200, "The position is closed.")

    def _convert(self, request: Request, _treatment: Fault | None) -> Reply:
        """Move contracts to another product.

        `symbol` is the id of the position (docs/fyers.md: Order book and positions).
        """
        body = request.payload()
        side, qty = whole(body.get("positionSide")), whole(body.get("convertQty"))
        old, new = body.get("convertFrom"), body.get("convertTo")
        known = set(PRODUCTS)
        if side not in (BUY, SELL) or qty < 1 or not {old, new} <= known or old == new:
            raise invalid()
        for held in self.exchange.positions:
            if f"{held.contract.ticker}-{held.product}" == body.get("symbol"):
                if held.product != old or held.net * side < qty:
                    raise invalid()
                self.exchange.convert(held.contract, str(old), str(new), side, qty)
                message = "Position Converted Successfully!!"
                return ok(200, message, positionDetails=1101)
        raise invalid("The input symbol is invalid.")

    def _prices(self, ticker: str) -> Prices:
        return self.market.prices(ticker) or NO_PRICES
