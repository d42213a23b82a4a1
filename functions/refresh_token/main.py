"""Renew the FYERS token, or tell the owner to log in; Cloud Scheduler calls it."""

import functions_framework

from shared import web
from shared.wiring.login import renewal


@functions_framework.http
@web.endpoint("POST")
def refresh_token(request: web.Request) -> web.Reply:
    """Return what became of the renewal; a refusal is 200: a retry would not help."""
    return web.json_reply(200, renewal().content())
