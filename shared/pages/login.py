"""The pages of a login: connect, connected, and what went wrong."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import escape

from shared.models import IST
from shared.pages.frame import Page, frame

ALERT = """{
  "token": "YOUR SECRET",
  "symbol": "NIFTY",
  "strikeprice": 25800,
  "optionType": "CE",
  "expiry": "WEEKLY",
  "action": "SELL",
  "productType": "INTRADAY",
  "time": "{{timenow}}"
}"""
"""What goes into TradingView's message box. It carries no fixed idempotency key, which
would swallow every later alert; `time` tells two alerts apart. No `qty`: one lot."""


def connect(
    until: datetime | None, now: datetime, key: str = "", desk: str = ""
) -> Page:
    """Return the page that shows the connection and leads to FYERS's login.

    `key` is the owner's own, which the login then carries on; `desk` the desk's
    address, if there is one.
    """
    go = f"?go=1&k={key}" if key else "?go=1"
    if until is not None:
        kind, title = "good", "Connected"
        text = f"Until {_when(until, now)}. There is nothing to do."
        look, button = "go quiet", "Connect FYERS again"
    else:
        kind, title = "idle", "Not connected"
        text = "No order goes out until you log in. FYERS asks for it every day."
        look, button = "go", "Connect FYERS"
    return frame(
        kind,
        title,
        f"<p>{escape(text)}</p>"
        f'<a class="{look}" href="{escape(go)}">{escape(button)}</a>'
        "<h2>Alert message for TradingView</h2>"
        '<p class="soft">Paste it into the alert\u2019s message box and put your own '
        "webhook secret in. Tap it to select all.</p>"
        f'<pre tabindex="0">{escape(ALERT)}</pre>'
        f"{_desk_links(desk)}",
    )


def _desk_links(desk: str) -> str:
    if not desk.startswith(("https://", "http://")):
        return ""
    return (
        f'<a class="go quiet" href="{escape(desk)}?build=1">Build another alert</a>'
        f'<a class="go quiet" href="{escape(desk)}">Open your desk</a>'
    )


def connected(until: datetime | None, now: datetime) -> Page:
    """Return the page after a login that worked."""
    ends = f"Connected until {_when(until, now)}" if until else "Connected"
    return frame(
        "good",
        ends,
        "<p>Alerts can place orders now. You can close this page.</p>",
    )


def failure(message: str, request_id: str, again: str = "") -> Page:
    """Return the page for what went wrong; `again` is auth-url's address, if known."""
    retry = (
        f'<a class="go" href="{escape(again)}?go=1">Try again</a>'
        if again.startswith(("https://", "http://"))
        else "<p>Open the link in your login notice again.</p>"
    )
    return frame(
        "bad",
        "That did not work",
        f"<p>{escape(_sentence(message))}</p>"
        "<p>An earlier login stays as it was.</p>"
        f'{retry}<p class="soft request">Request {escape(request_id)}</p>',
    )


def _when(instant: datetime, now: datetime) -> str:
    """Return an instant as its reader in India says it: `06:00 tomorrow`."""
    local, today = instant.astimezone(IST), now.astimezone(IST).date()
    if local.date() == today:
        return f"{local:%H:%M} today"
    if local.date() == today + timedelta(days=1):
        return f"{local:%H:%M} tomorrow"
    return f"{local:%H:%M on} {local.day} {local:%B}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
