"""The three pages the owner sees: connect, connected, and what went wrong.

Plain HTML for a phone: no script, nothing loaded from anywhere, and a content security
policy that allows exactly the style below. Every value is escaped where it goes in.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from shared.models import IST

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

_STYLE = """
:root { color-scheme: light dark; --page: #f3f5f8; --card: #fff; --text: #17202e;
  --soft: #56627a; --line: #dfe4ec; --code: #f6f8fb; --go: #1d4ed8; --on-go: #fff;
  --good: #15803d; --bad: #b91c1c; --idle: #a16207; }
@media (prefers-color-scheme: dark) { :root { --page: #0e1420; --card: #182132;
  --text: #e8edf6; --soft: #a3b0c6; --line: #2b374d; --code: #111929; --go: #3b82f6;
  --on-go: #06101f; --good: #4ade80; --bad: #f87171; --idle: #facc15; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 24px 16px; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 520px; margin: 0 auto; padding: 28px 24px; background: var(--card);
  border: 1px solid var(--line); border-radius: 16px; }
.state { display: flex; align-items: center; gap: 8px; margin: 0 0 12px;
  color: var(--soft); font-size: 14px; }
.state::before { content: ""; width: 10px; height: 10px; border-radius: 50%;
  background: currentColor; }
.good::before { color: var(--good); } .bad::before { color: var(--bad); }
.idle::before { color: var(--idle); }
h1 { margin: 0 0 8px; font-size: 26px; line-height: 1.25; letter-spacing: -0.01em;
  text-wrap: balance; }
h2 { margin: 32px 0 8px; padding-top: 24px; border-top: 1px solid var(--line);
  font-size: 17px; }
p { margin: 0 0 12px; text-wrap: pretty; }
.soft { color: var(--soft); font-size: 14px; }
.go { display: block; margin: 20px 0 0; padding: 14px 20px; border-radius: 12px;
  background: var(--go); color: var(--on-go); font-weight: 600; text-align: center;
  text-decoration: none; }
.quiet { background: transparent; color: var(--go); border: 1px solid var(--line); }
.go:focus-visible { outline: 3px solid var(--text); outline-offset: 2px; }
pre { margin: 0; padding: 14px 16px; overflow-x: auto; background: var(--code);
  border: 1px solid var(--line); border-radius: 12px; line-height: 1.55;
  font-family: ui-monospace, SFMono-Regular, Menlo, monospace; font-size: 13px;
  user-select: all; -webkit-user-select: all; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, monospace; font-size: 0.92em; }
.request { margin-top: 20px; font-size: 12px; overflow-wrap: anywhere; }
main > :last-child { margin-bottom: 0; }
"""

_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    f"img-src data:; style-src 'sha256-{_DIGEST}'"
)


@dataclass(frozen=True, slots=True)
class Page:
    """A document and the policy a browser must hold it to."""

    html: str
    policy: str = POLICY


def connect(until: datetime | None, now: datetime) -> Page:
    """Return the page that shows the connection and leads to FYERS's login."""
    if until is not None:
        kind, title = "good", "Connected"
        text = f"Until {_when(until, now)}. There is nothing to do."
        look, button = "go quiet", "Connect FYERS again"
    else:
        kind, title = "idle", "Not connected"
        text = "No order goes out until you log in. FYERS asks for it every day."
        look, button = "go", "Connect FYERS"
    return _page(
        kind,
        title,
        f"<p>{escape(text)}</p>"
        f'<a class="{look}" href="?go=1">{escape(button)}</a>'
        "<h2>Alert message for TradingView</h2>"
        '<p class="soft">Paste it into the alert\u2019s message box and put your own '
        "webhook secret in. Tap it to select all.</p>"
        f'<pre tabindex="0">{escape(ALERT)}</pre>',
    )


def connected(until: datetime | None, now: datetime) -> Page:
    """Return the page after a login that worked."""
    ends = f"Connected until {_when(until, now)}" if until else "Connected"
    return _page(
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
    return _page(
        "bad",
        "That did not work",
        f"<p>{escape(_sentence(message))}</p>"
        "<p>An earlier login stays as it was.</p>"
        f'{retry}<p class="soft request">Request {escape(request_id)}</p>',
    )


def _page(kind: str, title: str, content: str) -> Page:
    return Page(
        "<!doctype html>"
        '<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex"><link rel="icon" href="data:,">'
        f"<title>FYERS: {escape(title)}</title><style>{_STYLE}</style></head>"
        f'<body><main><p class="state {kind}">FYERS</p>'
        f"<h1>{escape(title)}</h1>{content}</main></body></html>"
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
