"""The owner's desk on a phone: works without script, read top down.

Red is only what needs a hand. What moves money opens first and is sent by a second tap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from shared.desk.words import at, day, hm, price, rupees
from shared.pages.curve import curve_svg
from shared.pages.desk_style import DESK_STYLE
from shared.pages.frame import Page, document, frame, strict

if TYPE_CHECKING:
    from shared.desk import (
        Alarm,
        DayBefore,
        Front,
        Holding,
        Outcome,
        Past,
        Rail,
        Step,
        Tale,
    )

_POLICY = strict(DESK_STYLE, "'self'")


@dataclass(frozen=True, slots=True)
class Form:
    """What every form carries: the session's token, and a key of its own."""

    token: str
    new_key: Callable[[], str]

    def fields(self, what: str, **more: str) -> str:
        """Return the hidden fields of one form."""
        given = {"csrf": self.token, "key": self.new_key(), "do": what, **more}
        return "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
            for name, value in given.items()
            if value
        )


# --- The front page -------------------------------------------------------------------


def front(front: Front, form: Form) -> Page:
    """Return the front page."""
    left = (
        _alarms(front.alarms, form, front.auth_url),
        _paused(front, form),
        _noticed(front.noticed),
        _holdings(front.holdings, form),
        _tales("Today's alerts", front.tales),
    )
    right = (
        _money(front),
        _rails(front.rails),
        _facts(front),
        _controls(front, form),
        _days(front.before, '<p><a href="?csv=1">Today as CSV</a></p>'),
        _foot(form),
    )
    body = (
        f'<main class="desk"><header><p class="state {front.tone}">'
        f"FYERS desk, {at(front.now)} IST</p>"
        '<a class="small" href="?">Refresh</a></header>'
        f"<h1>{_lines(front.sentence)}</h1>"
        f'<div class="columns"><div>{"".join(left)}</div>'
        f"<div>{''.join(right)}</div></div></main>"
    )
    return Page(document(front.sentence, body, DESK_STYLE), _POLICY)


def _lines(sentence: str) -> str:
    """Return how things stand, one line for each of its sentences."""
    parts = sentence.replace(". ", ".\n").splitlines()
    return " ".join(f"<span>{escape(part)}</span>" for part in parts)


def _section(title: str, content: str, kind: str = "") -> str:
    name = f' class="{kind}"' if kind else ""
    return f"<section{name}><h2>{escape(title)}</h2>{content}</section>"


def _ask(label: str, words: str, button: str, fields: str) -> str:
    """Return a form that opens first: the second tap sends it."""
    return (
        f'<details class="ask"><summary>{escape(label)}</summary>'
        f'<form method="post" action="?"><p>{escape(words)}</p>{fields}'
        f"<button>{escape(button)}</button></form></details>"
    )


def _tap(label: str, fields: str) -> str:
    return (
        f'<form method="post" action="?">{fields}'
        f'<button class="quiet">{escape(label)}</button></form>'
    )


def _paused(front: Front, form: Form) -> str:
    if not front.paused:
        return ""
    resume = _ask(
        "Resume entries",
        "New alerts that open positions are traded again.",
        "Resume now",
        form.fields("resume"),
    )
    return (
        f'<section class="card"><h2>Entries are paused</h2>'
        f"<p>{escape(front.paused)}. Closes still go out.</p>{resume}</section>"
    )


def _alarms(alarms: Iterable[Alarm], form: Form, auth_url: str) -> str:
    cards = "".join(_alarm(alarm, form, auth_url) for alarm in alarms)
    return _section("Needs you", cards, "alarms") if cards else ""


def _alarm(alarm: Alarm, form: Form, auth_url: str) -> str:
    since = f'<p class="soft">since {hm(alarm.since)}</p>' if alarm.since else ""
    buttons = ""
    if alarm.exits:
        buttons += _ask(
            "Exit",
            "Closes what is open there at the market, with its stop and target.",
            "Close it now",
            form.fields("exit", ticker=alarm.ticker, product=alarm.product),
        )
    if alarm.verdict:
        fields = form.fields("acknowledge", ticker=alarm.ticker, verdict=alarm.verdict)
        buttons += _tap("I have seen it", fields)
    if alarm.login and auth_url:
        buttons += f'<a class="go" href="{escape(auth_url)}?go=1">Connect FYERS</a>'
    row = f'<div class="row">{buttons}</div>' if buttons else ""
    return f'<article class="alarm"><p>{escape(alarm.text)}</p>{since}{row}</article>'


def _noticed(texts: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return _section("Seen by you, still so", f"<ul>{items}</ul>") if items else ""


def _holdings(holdings: tuple[Holding, ...], form: Form) -> str:
    if not holdings:
        return _section("Positions", '<p class="soft">Nothing is open.</p>')
    return _section("Positions", "".join(_holding(one, form) for one in holdings))


def _holding(one: Holding, form: Form) -> str:
    seen = one.seen
    cells = (
        ("Entry", price(seen.entry_price)),
        ("Last", price(seen.ltp)),
        ("Rupees", rupees(seen.rupees)),
        ("Stop", price(seen.stop)),
        ("Target", price(seen.target)),
        ("Seen", hm(seen.at)),
    )
    numbers = "".join(f"<div><dt>{n}</dt><dd>{escape(v)}</dd></div>" for n, v in cells)
    size = abs(one.net)
    leave = _ask(
        f"Exit {one.what}",
        f"Closes the {one.side} of {size} {one.what} {one.product} at the market, with "
        "its stop and target.",
        f"Close {size} now",
        form.fields("exit", ticker=one.ticker, product=one.product),
    )
    return (
        f'<article class="card"><h3>{escape(one.what)}{_mark(one.paper)}</h3>'
        f'<p class="soft how"><span>{one.side} {size}, {escape(one.product)}</span>'
        f'<span class="word {one.tone}">{escape(one.cover)}</span></p>'
        f'<dl class="numbers">{numbers}</dl>{leave}</article>'
    )


def _mark(paper: bool) -> str:
    return ' <span class="paper">PAPER</span>' if paper else ""


def _tales(title: str, tales: tuple[Tale, ...]) -> str:
    if not tales:
        return _section(title, '<p class="soft">None came.</p>')
    return _section(title, "".join(_tale(tale) for tale in tales), "tales")


def _tale(tale: Tale) -> str:
    steps = "".join(_step(step) for step in tale.steps)
    return (
        f'<details class="tale"><summary><time>{at(tale.at)}</time>'
        f'<span class="what">{escape(tale.what)}{_mark(tale.paper)}</span>'
        f'<span class="word {tale.tone}">{escape(tale.outcome)}</span></summary>'
        f"<ol>{steps}</ol></details>"
    )


def _step(step: Step) -> str:
    when = f"<time>{at(step.at)}</time>" if step.at else '<span class="none">–</span>'
    return f"<li>{when}<span>{escape(step.text)}</span></li>"


# --- The other column -----------------------------------------------------------------


def _money(front: Front) -> str:
    total = rupees(front.curve.total)
    text = (
        f'<p class="total">{total} <span class="soft">realized</span></p>'
        f"{curve_svg(front.curve)}"
        f'<p class="soft">Open positions: {rupees(front.open_rupees)} as last seen. '
        "Before charges.</p>"
    )
    return _section("The day", text)


def _rails(rails: tuple[Rail, ...]) -> str:
    rows = "".join(_rail(rail) for rail in rails)
    return _section("Guardrails", rows or '<p class="soft">None is set.</p>')


def _rail(rail: Rail) -> str:
    bar = ""
    if rail.percent is not None:
        bar = (
            f'<svg class="bar {rail.tone}" aria-hidden="true" height="6">'
            f'<rect width="100%" height="6" rx="3"/>'
            f'<rect class="used" width="{rail.percent}%" height="6" rx="3"/></svg>'
        )
    return (
        f'<div class="rail"><span>{escape(rail.name)}</span>'
        f"<strong>{escape(rail.used)}</strong>{bar}</div>"
    )


def _facts(front: Front) -> str:
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in front.facts
    )
    return _section("How it stands", f'<dl class="facts">{rows}</dl>')


def _controls(front: Front, form: Form) -> str:
    pause = "" if front.paused else _tap("Pause entries", form.fields("pause"))
    every = _ask(
        "Exit everything",
        "Closes every position that your alerts opened, at the market. Positions you "
        "opened by hand in other contracts stay.",
        "Close everything now",
        form.fields("exit-all"),
    )
    test = _tap("Send a test notice", form.fields("test"))
    return _section("Actions", f'<div class="stack">{pause}{every}{test}</div>')


def _days(days: Iterable[DayBefore], more: str = "") -> str:
    rows = "".join(
        f'<li><a href="?day={one.day}">{one.day:%a} {day(one.day)}</a>'
        f"<span>{'–' if one.rupees is None else rupees(one.rupees)}</span></li>"
        for one in days
    )
    return _section("Days before", f'<ul class="days">{rows}</ul>{more}')


def _foot(form: Form) -> str:
    return (
        '<section class="stack foot"><a class="go quiet" href="?build=1">'
        f"Build an alert</a>{_tap('Log out', form.fields('logout'))}</section>"
    )


# --- The other pages ------------------------------------------------------------------


def past(past: Past) -> Page:
    """Return another day's journal."""
    title = f"{past.day:%A} {day(past.day)} {past.day:%Y}"
    body = (
        '<main class="desk narrow"><header><p class="state idle">FYERS desk</p>'
        '<a class="small" href="?">Back to today</a></header>'
        f"<h1>{escape(title)}</h1>"
        f'<p class="total">{rupees(past.curve.total)} '
        '<span class="soft">realized, before charges</span></p>'
        f"{curve_svg(past.curve, 'Nothing ended.')}{_tales('Alerts', past.tales)}"
        f'<p><a href="?csv=1&amp;day={past.day}">This day as CSV</a></p>'
        f"{_days(past.before)}</main>"
    )
    return Page(document(title, body, DESK_STYLE), _POLICY)


def desk_login(auth_url: str, *, tapped: bool = False, left: bool = False) -> Page:
    """Return the page without a session: one button, nothing of the account."""
    if left:
        title, text = "Logged out", "This browser shows nothing of your desk any more."
    elif tapped:
        title, text = "Your session is over", "Nothing was done. Log in and tap again."
    else:
        title, text = "Your desk", "It opens with your FYERS login and ends at 06:00."
    return frame("idle", title, f"<p>{escape(text)}</p>{_login(auth_url)}")


def _login(auth_url: str) -> str:
    if auth_url.startswith(("https://", "http://")):
        return f'<a class="go" href="{escape(auth_url)}?go=1">Log in with FYERS</a>'
    return "<p>Open auth-url in this browser and log in.</p>"


def outcome(outcome: Outcome) -> Page:
    """Return the page that answers a tap."""
    lines = "".join(f"<li>{escape(text)}</li>" for text in outcome.details)
    text = f"<p>{escape(_sentence(outcome.text))}</p>" if outcome.text else ""
    return frame(
        outcome.tone,
        outcome.title,
        f"{text}{f'<ul>{lines}</ul>' if lines else ''}"
        '<a class="go" href="?">Back to the desk</a>',
    )


def desk_refused(message: str, *, unsure: bool) -> Page:
    """Return the page for a tap that was not done, or not surely."""
    title = "That may not be done" if unsure else "Nothing was done"
    return frame(
        "bad",
        title,
        f"<p>{escape(_sentence(message))}</p>"
        '<a class="go" href="?">Back to the desk</a>',
    )


def desk_failure(message: str, request_id: str) -> Page:
    """Return the page for a desk that cannot be shown."""
    return frame(
        "bad",
        "The desk cannot be shown",
        f"<p>{escape(_sentence(message))}</p>"
        "<p>Your orders do not depend on it: stop and target stay at FYERS. Look in "
        "the FYERS app meanwhile.</p>"
        '<a class="go" href="?">Try again</a>'
        f'<p class="soft request">Request {escape(request_id)}</p>',
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
