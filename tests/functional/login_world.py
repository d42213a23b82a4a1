"""The functions served over HTTP beside the simulator, and everything they log.

Whatever a world's processes wrote is searched for its secrets when it ends, so every
test that uses one is a test of the logs too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import requests

import simulator
from local import serve
from local.standins import fyers as standin
from local.standins.phone import Phone, ringing
from shared.adapters import token_codec
from shared.models import IST, Secret, Token
from tests.fakes.login import jwt
from tests.functional.clocked import CLOCK_FILE, SharedClock

APP_SECRET = "Functional-App-Secret-7Q"
HOOK_SECRET = "functional-hook-secret-9Z"
PIN = "8642"
CHANNEL_SECRET = "functional-channel-secret"
KNOWN_SECRETS = {APP_SECRET, HOOK_SECRET, CHANNEL_SECRET}
"""Grows by every code and token a world meets; for the search at the run's end."""

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@dataclass
class World:
    """One served set of functions, its simulator, its state and its log."""

    url: str
    fyers: simulator.Simulator
    phone: Phone
    state: Path
    lines: list[str]
    secrets: list[str]

    @property
    def token_file(self) -> Path:
        return self.state / "tokens" / "tokens.json"

    def now(self) -> datetime:
        """Return the instant FYERS and the functions go by, UTC."""
        return self.fyers.options.clock().astimezone(UTC)

    def get(self, path: str, *, browser: bool = False) -> requests.Response:
        return requests.get(
            f"{self.url}{path}",
            headers=BROWSER if browser else {},
            allow_redirects=False,
            timeout=30,
        )

    def post(
        self, path: str, body: object = None, bearer: str = ""
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return requests.post(
            f"{self.url}{path}", json=body, headers=headers, timeout=30
        )

    def redirected(self, key: str = "", **changes: str) -> str:
        """Go through FYERS's page as a person does; return where it sends back to.

        `key` is that of the owner's own link.
        """
        start = self.get(f"/auth-url?go=1&k={key}", browser=True)
        assert start.status_code == 302, start.text
        page = urlsplit(start.headers["Location"])
        form = {name: values[0] for name, values in parse_qs(page.query).items()}
        form |= {"fy_id": self.fyers.options.fy_id, "pin": PIN, **changes}
        back = requests.post(
            page._replace(query="").geturl(),
            data=form,
            allow_redirects=False,
            timeout=10,
        )
        address = urlsplit(back.headers["Location"])
        query = parse_qs(address.query)
        self.secrets += query.get("auth_code", [])
        return f"/generate-token?{address.query}"

    def code(self) -> str:
        """Return an auth code FYERS will take once."""
        code = self.fyers.auth.auth_code(self.fyers.options.fy_id)
        self.secrets.append(code)
        return code

    def stored(self) -> dict[str, str] | None:
        if not self.token_file.exists():
            return None
        document: dict[str, str] = json.loads(self.token_file.read_text())
        self.secrets += [document["access_token"], document["refresh_token"]]
        return document

    def store(self, expires_at: datetime, refresh: str = "") -> bytes:
        """Keep a login that ends then; return the file's bytes."""
        tokens = self.fyers.login()
        token = Token(
            jwt(expires_at, "stored"),
            Secret(refresh or tokens["refresh_token"]),
            datetime.now(UTC) - timedelta(hours=1),
            expires_at,
            self.fyers.options.fy_id,
        )
        self.secrets += [token.access.open(), tokens["refresh_token"]]
        self.token_file.parent.mkdir(parents=True, exist_ok=True)
        self.token_file.write_bytes(token_codec.dumps(token))
        return self.token_file.read_bytes()

    def calls(self, path: str) -> int:
        """Return how often FYERS was asked for a path's end."""
        return sum(call.path.endswith(path) for call in self.fyers.calls)


@contextmanager
def worlds(
    folder: Path,
    count: int = 1,
    env: Mapping[str, str] | None = None,
    clock: SharedClock | None = None,
) -> Iterator[list[World]]:
    """Serve the functions in `count` processes that share state, FYERS and phone.

    With a `clock`, FYERS and the functions go by it; its file is in the folder.
    """
    module = "tests.functional.clocked" if clock else "local.serve"
    simulated = {"clock": clock.now, "ticks": clock.ticks} if clock else {}
    lines: list[str] = []
    secrets = [APP_SECRET, HOOK_SECRET, PIN, CHANNEL_SECRET]
    with ExitStack() as stack:
        fyers = stack.enter_context(
            simulator.running(secret=APP_SECRET, pin=PIN, **simulated)
        )
        phone = stack.enter_context(ringing())
        settings = {
            "STATE_BACKEND": "local",
            "LOCAL_STATE_DIR": str(folder),
            **standin.settings(fyers, HOOK_SECRET),
            "TOKEN_REFRESH": "true",
            "FYERS_CLIENT_ID": fyers.options.fy_id,
            "NOTIFICATION_URL": f"{phone.url}/{CHANNEL_SECRET}",
            "NOTIFY_ORDERS": "false",  # told elsewhere: what goes well
            "SUMMARY": "false",
            "LOG_LEVEL": "DEBUG",
            **({CLOCK_FILE: str(clock.path)} if clock else {}),
            **(env or {}),
        }
        addresses = [
            stack.enter_context(
                serve.running(settings, log=lines.append, module=module)
            )
            for _ in range(count)
        ]
        served = [World(url, fyers, phone, folder, lines, secrets) for url in addresses]
        yield served
        for world in served:
            world.stored()
    KNOWN_SECRETS.update(secret for secret in secrets if secret != PIN)
    assert leaked(lines, secrets) == []


def leaked(lines: list[str], secrets: list[str]) -> list[str]:
    """Return the lines that show a secret, with everything else about them hidden."""
    shown = re.compile("|".join(rf"(?<!\w){re.escape(one)}(?!\w)" for one in secrets))
    return [shown.sub("<SECRET>", line) for line in lines if shown.search(line)]


def tomorrow_six() -> datetime:
    """Return when a token granted now ends."""
    now = datetime.now(IST)
    six = now.replace(hour=6, minute=0, second=0, microsecond=0)
    return six if six > now else six + timedelta(days=1)
