"""`/generate-authcode`: the pages a person goes through, then the redirect back."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from simulator.auth import Auth
from simulator.options import Options
from simulator.pages import ask_id, ask_pin, problem
from simulator.wire import Reply, Request, page, redirect

KEPT = ("client_id", "redirect_uri", "response_type", "state")
DENIED = (-99, "User denied access")


def login(request: Request, auth: Auth, options: Options) -> Reply:
    """Answer the browser: ask for the id, then the PIN, then redirect with a code.

    `deny=1` comes back with `s=error` at once. A form with both `fy_id` and `pin` needs
    one request only.
    """
    given = {**request.query, **(request.form() if request.method == "POST" else {})}
    kept = {name: given[name] for name in KEPT if name in given}
    wrong = _wrong(kept, options)
    if wrong:
        return page(problem(wrong), 400)
    if given.get("deny"):
        code, message = DENIED
        return _back(kept, s="error", code=str(code), message=message)
    fy_id = given.get("fy_id", "").strip().upper()
    if not fy_id:
        return page(ask_id(kept))
    if fy_id != options.fy_id:
        return page(ask_id(kept, "This FYERS ID is not known here."))
    if "pin" not in given:
        return page(ask_pin({**kept, "fy_id": fy_id}))
    if given["pin"] != options.pin:
        return page(ask_pin({**kept, "fy_id": fy_id}, "The PIN is wrong."))
    return _back(kept, s="ok", code="200", auth_code=auth.auth_code(fy_id))


def _wrong(kept: dict[str, str], options: Options) -> str:
    address = kept.get("redirect_uri", "")
    if kept.get("client_id") != options.app_id:
        return "Please provide a valid app id."
    if kept.get("response_type") != "code":
        return "Please provide a valid response type."
    registered = options.redirect_uri
    if urlsplit(address).scheme not in ("http", "https") or (
        registered is not None and address != registered
    ):
        return "The redirect URI is not the registered one."
    return ""


def _back(kept: dict[str, str], **answer: str) -> Reply:
    address = kept["redirect_uri"]
    if "state" in kept:
        answer["state"] = kept["state"]
    joint = "&" if urlsplit(address).query else "?"
    return redirect(f"{address}{joint}{urlencode(answer)}")
