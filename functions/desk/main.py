"""The owner's page: how things stand, and the few things to do about it."""

import functions_framework

from shared import web, wiring


# A HEAD must not use up a ticket, and link previews send one.
@functions_framework.http
@web.endpoint("GET", "POST", page=wiring.desk_failure, head=False)
def desk(request: web.Request) -> web.Reply:
    """Return the page, or what became of a tap on it."""
    return wiring.desk_reply(request)
