"""Lead the owner to FYERS's login: a page, a redirect, or JSON for programs."""

import functions_framework

from shared import pages, web
from shared.wiring.login import desk_link, failure_page, login_flow


@functions_framework.http
@web.endpoint("GET", page=failure_page)
def auth_url(request: web.Request) -> web.Reply:
    """Return the connection's state and the way to log in."""
    flow, key = login_flow("auth_url"), request.args.get("k", "")
    if request.args.get("go") == "1":
        return web.redirect(flow.start(key))
    if not web.wants_html(request):
        return web.json_reply(200, {"success": True, "auth_url": flow.start(key)})
    page = pages.connect(*flow.shown(key), desk_link())
    return web.html_reply(200, page)
