"""Cloud Scheduler's call every minute: settle and follow orders."""

import functions_framework

from shared import web
from shared.wiring.reconcile import settle_and_guard


@functions_framework.http
@web.endpoint("POST")
def reconcile(request: web.Request) -> web.Reply:
    """Return what the run did, in numbers."""
    return web.json_reply(200, settle_and_guard())
