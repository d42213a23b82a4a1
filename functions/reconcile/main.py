"""Cloud Scheduler's call every minute: settle and follow orders."""

import functions_framework

from shared import web, wiring


@functions_framework.http
@web.endpoint("POST")
def reconcile(request: web.Request) -> web.Reply:
    """Return what the run did, in numbers."""
    return web.json_reply(200, wiring.reconcile())
