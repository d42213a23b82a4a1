"""The desk, made of concrete parts: its session, its pages and its taps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from shared import pages, web
from shared.builder import Draft, EntryRules, draft
from shared.config import Settings
from shared.desk import (
    Access,
    DeskParts,
    HouseRules,
    Latest,
    Outcome,
    Session,
    Stores,
    What,
    act,
    as_csv,
    front,
    past,
    read_board,
    read_day,
    read_guard,
    read_tap,
)
from shared.errors import Forbidden, Misconfigured, Problem
from shared.guard import GuardState
from shared.guardrails import Control
from shared.models import IST, Deadline
from shared.pricing import Percents
from shared.wiring import parts
from shared.wiring.process import clock, deadline, fork, new_attempt, once, pause
from shared.wiring.process import settings as settings_of

_READ = 8.0
_ACT = 20.0
"""Seconds for a page and for a tap: a person waits, a close may be asked for twice."""

_PICK = 10.0
"""Seconds for the symbol snapshots that the alert builder picks from."""

_FORM = 8_192
"""Bytes of a form, at most."""


def reply(request: web.Request) -> web.Reply:
    """Return the page, what became of a tap, or the way to log in."""
    ours = settings_of("desk")
    if request.method == "POST":
        return _posted(ours, request)
    limit = deadline(_READ)
    if "ticket" in request.args:
        cookie = _access(ours).enter(request.args["ticket"], limit)
        return web.redirect(
            _own_address(ours, request),
            _set_cookie(ours, cookie),
            status=HTTPStatus.SEE_OTHER,
        )
    cookie = request.cookies.get(_cookie_name(ours), "")
    session = _access(ours).session(cookie, limit)
    if session is None:
        return web.html_reply(401, pages.desk_login(ours.auth_url))
    return _shown(ours, request, pages.Form(_token(ours, cookie), new_attempt), session)


def failure_page(problem: Problem, request_id: str) -> pages.Page:
    """Return the page of what went wrong, with the way back."""
    return pages.desk_failure(problem.message, request_id)


# --- Pages ----------------------------------------------------------------------------


def _shown(
    ours: Settings, request: web.Request, form: pages.Form, session: Session
) -> web.Reply:
    limit, now = deadline(_READ), clock()
    if "build" in request.args:
        return web.html_reply(200, pages.builder(_draft(ours, request.args)))
    day = _day(request.args.get("day", "")) or now.astimezone(IST).date()
    if "csv" in request.args:
        return _csv(day, as_csv(read_day(_stores(ours), day, limit)))
    if day != now.astimezone(IST).date():
        stores = _stores(ours)
        claims, guard = read_day(stores, day, limit), read_guard(stores, limit)
        return web.html_reply(200, pages.past(past(day, claims, guard)))
    board = read_board(_stores(ours), _rules(ours), session.connected_until, now, limit)
    return web.html_reply(200, pages.front(front(board), form))


def _draft(ours: Settings, picked: Mapping[str, str]) -> Draft:
    """Return the alert of what was picked; see `builder.draft`."""
    percents = Percents(ours.stop_loss_percent, ours.take_profit_percent)
    rules = EntryRules(percents, ours.attach_exits, ours.webhook_max_qty)
    return draft(picked, parts.symbols(ours), rules, clock(), deadline(_PICK))


def _csv(day: date, text: str) -> web.Reply:
    name = (("Content-Disposition", f'attachment; filename="alerts-{day}.csv"'),)
    return web.Reply(200, text, name, "text/csv; charset=utf-8")


def _day(text: str) -> date | None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


# --- Taps -----------------------------------------------------------------------------


def _posted(ours: Settings, request: web.Request) -> web.Reply:
    """Answer a form with a page, whatever happens to it."""
    try:
        return _tapped(ours, request)
    except Misconfigured:
        raise
    except Problem as problem:
        page = pages.desk_refused(problem.message, unsure=problem.status == 503)
        return web.html_reply(problem.status, page)


def _tapped(ours: Settings, request: web.Request) -> web.Reply:
    _check_origin(_own_address(ours, request), request)
    form = dict(parse_qsl(_text(request), max_num_fields=20))
    limit = deadline(_ACT)
    cookie = request.cookies.get(_cookie_name(ours), "")
    access = _access(ours)
    if access.session(cookie, limit) is None:
        return web.html_reply(401, pages.desk_login(ours.auth_url, tapped=True))
    if not access.is_own_form(cookie, form.get("csrf", "")):
        raise Forbidden("this form does not belong to your session; nothing was done")
    tap = read_tap(form)
    if tap.what is What.LOGOUT:
        access.leave(cookie, limit)
        bye = web.html_reply(200, pages.desk_login(ours.auth_url, left=True))
        return replace(bye, headers=(*bye.headers, _set_cookie(ours, "")))
    return _said(act(_hands(ours), tap, limit))


def _said(outcome: Outcome) -> web.Reply:
    return web.html_reply(200, pages.outcome(outcome))


def _text(request: web.Request) -> str:
    return web.read_body(request, _FORM).decode("utf-8", "replace")


def _check_origin(own: str, request: web.Request) -> None:
    """Raise `Forbidden` unless the desk's own page sent the form.

    A page with the policy no-referrer sends `Origin: null`; then the browser's own word
    counts, which no page can set.
    """
    parts_of = urlsplit(own)
    origin = request.headers.get("Origin", "null")
    site = request.headers.get("Sec-Fetch-Site", "")
    same = origin == f"{parts_of.scheme}://{parts_of.netloc}"
    if not same and not (origin == "null" and site == "same-origin"):
        raise Forbidden("this tap did not come from the desk; nothing was done")
    if site not in ("", "same-origin"):
        raise Forbidden("this tap did not come from the desk; nothing was done")


# --- Cookie and address ---------------------------------------------------------------


def _own_address(ours: Settings, request: web.Request) -> str:
    return ours.desk_url or request.base_url


def _is_plain(ours: Settings) -> bool:
    """Return whether the desk is served without TLS: on a developer's machine."""
    return ours.desk_url.startswith("http://")


def _cookie_name(ours: Settings) -> str:
    return "desk" if _is_plain(ours) else "__Host-desk"


def _set_cookie(ours: Settings, cookie: str) -> tuple[str, str]:
    """Return the header that sets the cookie, or with an empty one takes it back."""
    secure = "" if _is_plain(ours) else " Secure;"
    life = f"Max-Age={86_400 if cookie else 0}"
    return (
        "Set-Cookie",
        f"{_cookie_name(ours)}={cookie}; Path=/; {life}; HttpOnly;{secure} "
        "SameSite=Lax",
    )


def _token(ours: Settings, cookie: str) -> str:
    return _access(ours).form_token(cookie)


# --- Parts ----------------------------------------------------------------------------


@once
def _access(ours: Settings) -> Access:
    def first(what: str, expires_at: datetime, limit: Deadline) -> bool:
        return parts.claim_store(ours).once(what, expires_at, limit)

    return Access(
        ours.fyers_secret_id,
        first,
        lambda key: parts.kept(ours, "sessions", key, Session),
        parts.kept(ours, "sessions", "latest", Latest),
        clock,
    )


def _stores(ours: Settings) -> Stores:
    return Stores(
        claims=parts.claim_store(ours),
        control=parts.kept(ours, "control", "entries", Control),
        guard=parts.kept(ours, "guard", "state", GuardState),
        paper=parts.kept(ours, "guard", "paper", GuardState),
        fork=fork,
    )


def _rules(ours: Settings) -> HouseRules:
    return HouseRules(
        limits=ours.limits,
        square_off_at=ours.square_off_at,
        paper=ours.paper,
        notifies=bool(ours.notification_topic or ours.notification_url),
        auth_url=ours.auth_url,
    )


def _hands(ours: Settings) -> DeskParts:
    stores = _stores(ours)
    return DeskParts(
        claims=stores.claims,
        entries=lambda: parts.entries(ours),
        guard=stores.guard,
        paper=stores.paper,
        webhook=parts.webhook_sender(ours),
        notifier=parts.notifier(ours),
        notifies=_rules(ours).notifies,
        clock=clock,
        pause=pause,
    )
