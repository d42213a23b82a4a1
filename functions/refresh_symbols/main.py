"""Cloud Scheduler's morning call: rebuild the symbol snapshot."""

import functions_framework

from shared import web
from shared.wiring.symbols import refresh_all


@functions_framework.http
@web.endpoint("POST")
def refresh_symbols(request: web.Request) -> web.Reply:
    """Return what the new snapshot holds."""
    return web.json_reply(200, refresh_all())
