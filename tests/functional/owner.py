"""The owner's browser without a screen: logs in, reads the desk, taps its forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

import requests

from tests.functional.login_world import BROWSER, World


@dataclass
class PageForm:
    """One form of a page."""

    fields: dict[str, str] = field(default_factory=dict)
    button: str = ""


class _Forms(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[PageForm] = []
        self._in_button = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(PageForm())
        elif tag == "input":
            self.found[-1].fields[given["name"]] = given["value"]
        self._in_button = tag == "button"

    def handle_data(self, data: str) -> None:
        if self._in_button:
            self.found[-1].button += data
            self._in_button = False


class Owner:
    """One browser at one served desk."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.url = f"{world.url}/desk"
        self.browser = requests.Session()
        self.browser.headers.update(BROWSER)

    def ticket(self) -> str:
        """Log in at FYERS and return the address generate-token leads to."""
        back = self.get(f"{self.world.url}{self.world.redirected()}")
        assert back.status_code == 303, back.text
        return back.headers["Location"]

    def log_in(self) -> requests.Response:
        """Go all the way to the front page."""
        entered = self.get(self.ticket())
        assert entered.status_code == 303, entered.text
        return self.get(entered.headers["Location"])

    def get(self, address: str) -> requests.Response:
        return self.browser.get(address, allow_redirects=False, timeout=30)

    def page(self, query: str = "") -> requests.Response:
        return self.get(f"{self.url}{query}")

    def form(self, do: str, **fields: str) -> dict[str, str]:
        """Return the fields of the page's form that does this."""
        page = self.page()
        assert page.status_code == 200, page.text
        for form in _Forms(page.text).found:
            wanted = {"do": do, **fields}
            if wanted.items() <= form.fields.items():
                return form.fields
        raise AssertionError(f"no form does {do}: {page.text}")

    def post(self, fields: dict[str, str], **headers: str) -> requests.Response:
        """Send a form as the desk's own page does, unless headers say otherwise."""
        given = {"Origin": self.world.url, **headers}
        return self.browser.post(
            self.url,
            data=fields,
            headers={name.replace("_", "-"): text for name, text in given.items()},
            allow_redirects=False,
            timeout=60,
        )

    def tap(self, do: str, **fields: str) -> requests.Response:
        return self.post(self.form(do, **fields))
