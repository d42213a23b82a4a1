"""What every page has: its style, and a policy that allows exactly that.

Plain HTML for a phone, nothing loaded from anywhere. Every value is escaped where it
goes in.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from html import escape

STYLE = """
:root { color-scheme: light dark; --page: #f3f5f8; --card: #fff; --text: #17202e;
  --soft: #56627a; --line: #dfe4ec; --code: #f6f8fb; --go: #1d4ed8; --on-go: #fff;
  --good: #15803d; --bad: #b91c1c; --idle: #a16207; }
@media (prefers-color-scheme: dark) { :root { --page: #0e1420; --card: #182132;
  --text: #e8edf6; --soft: #a3b0c6; --line: #2b374d; --code: #111929; --go: #60a5fa;
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
pre + p { margin-top: 8px; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, monospace; font-size: 0.92em; }
label { display: block; margin: 0 0 12px; color: var(--soft); font-size: 14px; }
select, input { display: block; width: 100%; min-height: 44px; margin-top: 4px;
  padding: 8px 12px; border: 1px solid var(--line); border-radius: 10px;
  background: var(--code); color: var(--text); font: inherit; font-size: 16px; }
select:focus-visible, input:focus-visible { outline: 3px solid var(--go); }
button { width: 100%; font: inherit; font-weight: 600; cursor: pointer; }
.wrong { color: var(--bad); }
.request { margin-top: 20px; font-size: 12px; overflow-wrap: anywhere; }
main > :last-child { margin-bottom: 0; }
"""


def digest(text: str) -> str:
    """Return what a policy calls an inline style or script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def strict(style: str, forms: str = "'none'") -> str:
    """Return the policy of a page of exactly this style; `forms` is where it posts."""
    return (
        "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; img-src data:; "
        f"style-src '{digest(style)}'; form-action {forms}"
    )


POLICY = strict(STYLE)
"""Of a page without form and script."""


def form_policy(script: str) -> str:
    """Return the policy of a page whose form, and this script, ask its own address."""
    own = strict(STYLE, "'self'")
    return f"{own}; script-src '{digest(script)}'; connect-src 'self'"


@dataclass(frozen=True, slots=True)
class Page:
    """A document and the policy a browser must hold it to."""

    html: str
    policy: str = POLICY


def frame(kind: str, title: str, content: str, policy: str = POLICY) -> Page:
    """Return a page; `content` is HTML, `kind` one of good, bad and idle."""
    return Page(
        document(
            title,
            f'<main><p class="state {kind}">FYERS</p>'
            f"<h1>{escape(title)}</h1>{content}</main>",
            STYLE,
        ),
        policy,
    )


def document(title: str, body: str, style: str) -> str:
    """Return a whole document; `body` is HTML."""
    return (
        "<!doctype html>"
        '<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex"><link rel="icon" href="data:,">'
        f"<title>FYERS: {escape(title)}</title><style>{style}</style></head>"
        f"<body>{body}</body></html>"
    )
