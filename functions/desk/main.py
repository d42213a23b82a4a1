"""The owner's page: how things stand, and the few things to do about it."""

import functions_framework

from shared import web
from shared.wiring.desk import failure_page, reply


# A HEAD must not use up a ticket, and link previews send one.
@functions_framework.http
@web.endpoint("GET", "POST", page=failure_page, head=False)
def desk(request: web.Request) -> web.Reply:
    """Return the page, or what became of a tap on it."""
    return reply(request)
