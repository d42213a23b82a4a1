"""TradingView's alert becomes one order; GET warms the instance."""

import functions_framework

from shared import web
from shared.wiring.webhook import deliver, warm


@functions_framework.http
@web.endpoint("GET", "POST")
def webhook(request: web.Request) -> web.Reply:
    """Return what became of the alert, or whether the instance is ready."""
    if request.method != "POST":
        return web.json_reply(*warm())
    key = request.headers.get("Idempotency-Key")
    answer = deliver(web.read_body(request), key, web.arrival(request))
    headers = (("Idempotency-Replayed", "true"),) if answer.replayed else ()
    return web.Reply(answer.reply.status, answer.reply.body, headers)
