"""The alert builder's page: a form that works by itself, quicker with its script."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from shared.pages.frame import Page, form_policy, frame

if TYPE_CHECKING:
    from shared.builder import Draft, Pick

_SCRIPT = """
const asked = {headers: {Accept: "text/html"}};
let last = 0;
addEventListener("change", async (event) => {
  const form = event.target.form, turn = ++last;
  if (!form) return;
  const query = "?" + new URLSearchParams(new FormData(form));
  try {
    const reply = await fetch(query, asked);
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    const fresh = page.getElementById("builder");
    if (turn !== last) return;
    if (!reply.ok || !fresh) return form.submit();
    const name = document.activeElement.name;
    document.getElementById("builder").replaceWith(fresh);
    if (name) fresh.querySelector(`[name="${name}"]`)?.focus();
    history.replaceState(null, "", query);
  } catch { form.submit(); }
});
"""

_POLICY = form_policy(_SCRIPT)


def builder(draft: Draft) -> Page:
    """Return the page with what is picked, and the alert or the reason why not."""
    fields = "".join(_field(pick) for pick in draft.picks)
    if draft.alert:
        result = (
            f'<p role="status">{escape(draft.says)}</p>'
            f'<pre tabindex="0">{escape(draft.alert)}</pre>'
            '<p class="soft">Paste it into the alert\u2019s message box and put your '
            "own webhook secret in. Tap it to select all.</p>"
        )
    else:
        result = f'<p role="status" class="wrong">{escape(draft.problem)}</p>'
    return frame(
        "idle" if draft.alert else "bad",
        "Build an alert",
        f'<div id="builder"><form method="get" action="">'
        f'<input type="hidden" name="build" value="1">{fields}'
        '<button class="go quiet">Show the alert</button></form>'
        f"<h2>Alert message for TradingView</h2>{result}</div>"
        '<a class="go quiet" href="?">Back to the desk</a>'
        f"<script>{_SCRIPT}</script>",
        _POLICY,
    )


def _field(pick: Pick) -> str:
    name, label = escape(pick.name), escape(pick.label)
    if not pick.options:
        box = (
            f'<input name="{name}" value="{escape(pick.value)}" inputmode="decimal" '
            'autocomplete="off">'
        )
    else:
        options = "".join(
            f'<option value="{escape(value)}"'
            f"{' selected' if value == pick.value else ''}>{escape(shown)}</option>"
            for value, shown in pick.options
        )
        box = f'<select name="{name}">{options}</select>'
    return f"<label>{label}{box}</label>"
