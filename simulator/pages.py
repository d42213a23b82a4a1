"""The login page: FYERS id, then PIN, in the browser; plainly a simulator."""

from __future__ import annotations

from html import escape

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>FYERS simulator – log in</title>
<style>
*{{box-sizing:border-box}}
body{{margin:0;min-height:100vh;display:grid;place-items:center;background:#f4f5f7;
color:#1c2230;font:16px/1.5 system-ui,sans-serif}}
main{{width:min(380px,calc(100vw - 32px));background:#fff;padding:28px;
border:1px solid #dcdfe5;border-radius:12px}}
.note{{margin:0 0 20px;padding:8px 12px;border-radius:8px;background:#fff4d6;
color:#5c4400;font-size:14px}}
h1{{margin:0 0 4px;font-size:22px}}
p{{margin:0 0 16px}}
label{{display:block;margin-bottom:6px;font-weight:600}}
input{{width:100%;padding:12px;font:inherit;border:1px solid #8a92a3;
border-radius:8px}}
button{{width:100%;margin-top:14px;padding:12px;font:inherit;font-weight:600;
border:1px solid #1f4fd8;border-radius:8px;background:#1f4fd8;
color:#fff;cursor:pointer}}
button.quiet{{background:#fff;color:#1f4fd8}}
input:focus-visible,button:focus-visible{{outline:3px solid #9db7ff;
outline-offset:2px}}
.error{{margin:12px 0 0;color:#b3261e}}
</style>
</head>
<body>
<main>
<p class="note" id="simulator-note">This is a simulator. No real account, no money.</p>
<h1>{title}</h1>
<p>{lead}</p>
{form}
</main>
</body>
</html>
"""

FORM = """<form method="post" action="/api/v3/generate-authcode" autocomplete="off">
{hidden}
<label for="{field}">{label}</label>
<input id="{field}" name="{field}" {attributes} required autofocus>
{error}
<button type="submit" id="{button}">{caption}</button>
<button type="submit" id="deny" name="deny" value="1" class="quiet"
 formnovalidate>Cancel</button>
</form>"""


def ask_id(hidden: dict[str, str], error: str = "") -> str:
    """Return the first step: the FYERS id."""
    return _step(
        "Log in",
        f"App {hidden.get('client_id', '')} asks for access to the simulated account.",
        hidden,
        error,
        field="fy_id",
        label="FYERS ID",
        attributes='type="text" autocapitalize="characters" spellcheck="false"',
        button="continue",
        caption="Continue",
    )


def ask_pin(hidden: dict[str, str], error: str = "") -> str:
    """Return the second step: the PIN."""
    return _step(
        "Enter PIN",
        f"Hello {hidden.get('fy_id', '')}, enter your 4-digit PIN.",
        hidden,
        error,
        field="pin",
        label="PIN",
        attributes='type="password" inputmode="numeric" maxlength="4"',
        button="login",
        caption="Log in",
    )


def problem(message: str) -> str:
    """Return a page that says why nobody can log in here."""
    form = f'<p class="error" id="error" role="alert">{escape(message)}</p>'
    return PAGE.format(title="Cannot log in", lead="", form=form)


def _step(
    title: str, lead: str, hidden: dict[str, str], error: str, **field: str
) -> str:
    inputs = "\n".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in hidden.items()
    )
    said = ""
    if error:
        said = f'<p class="error" id="error" role="alert">{escape(error)}</p>'
    form = FORM.format(hidden=inputs, error=said, **field)
    return PAGE.format(title=title, lead=escape(lead), form=form)
