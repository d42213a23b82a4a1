"""Say by name whether everything an order needs is there."""

import functions_framework

from shared import web
from shared.wiring.readyz import readiness


@functions_framework.http
@web.endpoint("GET")
def readyz(request: web.Request) -> web.Reply:
    """Return the named checks: 200 when all pass, 503 otherwise."""
    report = readiness().report()
    return web.json_reply(report.status, report.content())
