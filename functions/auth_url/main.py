"""Lead the owner to FYERS's login: a page, a redirect, or JSON for programs."""

import functions_framework

from shared import pages, web, wiring


@functions_framework.http
@web.endpoint("GET", page=wiring.failure_page)
def auth_url(request: web.Request) -> web.Reply:
    """Return the connection's state and the way to log in."""
    flow = wiring.login_flow("auth_url")
    if request.args.get("go") == "1":
        return web.redirect(flow.start())
    if not web.wants_html(request):
        return web.json_reply(200, {"success": True, "auth_url": flow.start()})
    connection = flow.connection()
    return web.html_reply(200, pages.connect(connection.until, connection.now))
