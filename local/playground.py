"""The simulated FYERS and every function on the embedded backend, started together."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests

import simulator
from local import serve
from local.standins import fyers as standin

PATIENCE = 30.0
"""Seconds any one request may take."""


class Failed(Exception):
    """Something did not happen; the text says what."""


@dataclass(frozen=True, slots=True)
class Playground:
    """Where everything is, and what one does with it from outside."""

    fyers: simulator.Simulator
    functions: str
    """Address of the functions."""
    secret: str
    """The webhook's; random for each start."""

    def log_in(self) -> Mapping[str, object]:
        """Do what the owner does each morning; return generate-token's reply."""
        page = self.call("GET", "auth-url")["auth_url"]
        options = self.fyers.options
        known = {"fy_id": options.fy_id, "pin": options.pin}
        with requests.Session() as browser:
            reply = browser.get(str(page), timeout=PATIENCE)
            for _ in ("id", "PIN"):
                form = _Form(reply.text)
                reply = browser.post(
                    urljoin(reply.url, form.action),
                    data=form.fields | {n: known[n] for n in form.asked if n in known},
                    timeout=PATIENCE,
                    allow_redirects=False,
                )
            back = reply.headers.get("Location", "")
            if not back.startswith(f"{self.functions}/generate-token?"):
                raise Failed(
                    f"FYERS's login page did not lead back: {reply.status_code}"
                )
            return _content(browser.get(back, timeout=PATIENCE))

    def call(self, method: str, name: str) -> Mapping[str, object]:
        """Call a function as the Scheduler does; raise `Failed` unless it is 200."""
        return _content(
            requests.request(method, f"{self.functions}/{name}", timeout=PATIENCE)
        )

    def alert(self, action: str = "SELL") -> dict[str, object]:
        """Return an alert as the README's template has it: NIFTY, this week, ATM."""
        now = self.fyers.options.clock().timestamp()
        contract = self.fyers.market.catalogue.at_the_money("NIFTY", now)
        strike = float(contract.strike or 0)
        whole = int(strike) if strike.is_integer() else strike
        return standin.alert(self.secret, whole, action, datetime.now(UTC))

    def send(self, alert: str) -> requests.Response:
        """Deliver an alert as TradingView does: plain text."""
        return requests.post(
            f"{self.functions}/webhook",
            data=alert.encode(),
            headers={"Content-Type": "text/plain; charset=utf-8"},
            timeout=PATIENCE,
        )

    def book(self) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
        """Return FYERS's order book and net positions."""
        state = requests.get(f"{self.fyers.url}/_sim/state", timeout=PATIENCE).json()
        return state["orders"], state["positions"]


@contextlib.contextmanager
def running(
    port: int = 0,
    log: Callable[[str], None] = lambda line: None,
    env: Mapping[str, str] | None = None,
    **options: object,
) -> Iterator[Playground]:
    """Start both; `env` adds settings, `options` are the simulator's.

    Raises `serve.PortTaken`, `serve.StartFailed`.
    """
    secret = secrets.token_urlsafe(24)
    with (
        tempfile.TemporaryDirectory(prefix="playground-") as folder,
        simulator.running(**options) as fyers,
        serve.running(
            {
                "STATE_BACKEND": "local",
                "LOCAL_STATE_DIR": folder,
                **standin.settings(fyers, secret),
                "SYMBOL_MASTER_URLS": f"{fyers.master_url},{fyers.bse_master_url}",
                **(env or {}),
            },
            port,
            log,
        ) as functions,
    ):
        yield Playground(fyers, functions, secret)


def _content(reply: requests.Response) -> Mapping[str, object]:
    path = urlsplit(reply.url).path
    try:
        content = reply.json()
    except ValueError:
        content = {}
    if reply.status_code != requests.codes.ok or not isinstance(content, dict):
        said = content.get("error", "") if isinstance(content, dict) else ""
        raise Failed(f"{path} answered {reply.status_code}. {said}".strip())
    return content


class _Form(HTMLParser):
    """A page's form: where it goes, what it carries, what it asks for."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.asked: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given.get("action", "")
        elif tag == "input" and given.get("type") == "hidden":
            self.fields[given.get("name", "")] = given.get("value", "")
        elif tag == "input":
            self.asked.append(given.get("name", ""))
