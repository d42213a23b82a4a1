"""Logging in and the daily renewal, made of concrete parts."""

from __future__ import annotations

import os
from http import HTTPStatus

from shared import pages, web
from shared.errors import Problem
from shared.login import (
    Connection,
    LoginFlow,
    OwnersKey,
    Renewal,
    States,
    keep_logged_in,
)
from shared.login import posted_code as code_in
from shared.models import Secret
from shared.wiring import parts
from shared.wiring.process import clock, deadline, once, settings
from shared.wiring.watching import notice_silence

_STEP = 20.0
"""Seconds for one step of a login: a person waits, FYERS may be slow."""


@once
def login_flow(function: str) -> LoginFlow:
    """Return the steps of a login; stores are made when a step needs them."""
    ours = settings(function)
    return LoginFlow(
        parts.fyers_login(ours),
        States(ours.fyers_secret_id, parts.names(ours), clock),
        OwnersKey(ours.fyers_secret_id, clock),
        lambda: parts.token_store(ours),
        ours.fyers_client_id,
        clock,
        lambda: deadline(_STEP),
    )


def desk_link() -> str:
    """Return the desk's address, empty where there is none."""
    return settings("auth_url").desk_url


def posted_code(request: web.Request) -> Secret:
    """Return the auth code a program posted, having checked its secret."""
    ours = settings("generate_token")
    return code_in(
        web.read_body(request),
        request.headers.get("Authorization", ""),
        ours.webhook_secret_token,
        ours.fyers_auth_code,
    )


def renewal() -> Renewal:
    """Renew the token if need be; see `login.keep_logged_in`."""
    ours = settings("refresh_token")
    login, limit = parts.fyers_login(ours), deadline(_STEP)
    notice_silence(ours)
    return keep_logged_in(parts.tokens(ours), login, clock, limit)


def failure_page(problem: Problem, request_id: str) -> pages.Page:
    """Return the page a browser is shown, with the way back where it is known."""
    again = os.environ.get("AUTH_URL", "").strip().rstrip("/")
    return pages.failure(problem.message, request_id, again)


def after_login(connection: Connection) -> web.Reply:
    """Lead the owner's browser to the desk, or say that FYERS is connected."""
    from shared.desk import Tickets

    ours = settings("generate_token")
    if not ours.desk_url or connection.until is None:
        page = pages.connected(connection.until, connection.now)
        return web.html_reply(200, page)
    ticket = Tickets(ours.fyers_secret_id, clock).issue(connection.until)
    address = f"{ours.desk_url}?ticket={ticket}"
    return web.redirect(address, status=HTTPStatus.SEE_OTHER)
