"""Cloud Scheduler's morning call: rebuild the symbol snapshot."""

import functions_framework

from shared import web, wiring


@functions_framework.http
@web.endpoint("POST")
def refresh_symbols(request: web.Request) -> web.Reply:
    """Return what the new snapshot holds."""
    return web.json_reply(200, wiring.refresh_symbols())
