"""Take the login back from FYERS: its redirect (GET), or a code by itself (POST)."""

import functions_framework

from shared import web
from shared.wiring import login


@functions_framework.http
@web.endpoint("GET", "POST", page=login.failure_page, head=False)
def generate_token(request: web.Request) -> web.Reply:
    """Return what became of the login; a HEAD, as link previews send, uses none up."""
    flow = login.login_flow("generate_token")
    if request.method == "POST":
        posted = flow.finish_with_code(login.posted_code(request))
        return web.json_reply(200, posted.content())
    connection = flow.finish(request.args)
    if web.wants_html(request):
        return login.after_login(connection)
    return web.json_reply(200, connection.content())
