"""Ask for one secret until the functions would take it, and print it for deploy.sh.

    python -m local.deploying.ask NAME

At a terminal what is typed is not shown; without one the value is the environment
variable of the same name. Everything said to the person goes to standard error, the
value alone to standard output, which is a pipe. Empty means that none is wanted.
"""

from __future__ import annotations

import os
import secrets
import sys
from getpass import getpass

from local.deploying import notice
from local.deploying.settings import Refused, check_secret

HINTS = {
    "WEBHOOK_SECRET_TOKEN": " (empty: one is made)",
    "HEARTBEAT_URL": " (empty: none)",
    "NOTIFICATION_URL": ' ("none": you are told nothing)',
}
MAY_BE_EMPTY = ("WEBHOOK_SECRET_TOKEN", "HEARTBEAT_URL")
TOKEN_BYTES = 24


def say(text: str) -> None:
    """Tell the person something."""
    print(f"  {text}", file=sys.stderr)


def settle(name: str, given: str) -> str:
    """Return the value to keep; raise `Refused` if the functions would not take it."""
    if not given and name == "WEBHOOK_SECRET_TOKEN":
        return secrets.token_hex(TOKEN_BYTES)
    if not given and name in MAY_BE_EMPTY:
        return ""
    if not given:
        raise Refused(f"{name} needs a value.")
    if (name, given) == ("NOTIFICATION_URL", "none"):
        return ""
    check_secret(name, given)
    return given


def from_environment(name: str) -> str:
    """Return the value of a run without a terminal; raise `Refused` for none."""
    given = os.environ.get(name, "").strip()
    if not given and name not in MAY_BE_EMPTY:
        raise Refused(
            f"{name} is not stored yet and this is no terminal to ask on: set it\n"
            "in the environment for this one run, or run ./deploy.sh in a terminal."
        )
    value = settle(name, given)
    if name == "NOTIFICATION_URL" and value:
        try_notice(value)
    return value


def from_terminal(name: str) -> str:
    """Return what the person types, asked again until it is right."""
    while True:
        given = getpass(f"  {name}{HINTS.get(name, '')}, not shown: ").strip()
        try:
            value = settle(name, given)
        except Refused as refusal:
            say(str(refusal))
            continue
        if name != "NOTIFICATION_URL" or not value or arrived(value):
            return value


def try_notice(url: str) -> bool:
    """Send a test notice and say whether it left."""
    try:
        notice.send(url)
    except notice.NotSent as error:
        say(f"No test notice could be sent: {error}")
        return False
    say("A test notice was sent to NOTIFICATION_URL; look whether it arrived.")
    return True


def arrived(url: str) -> bool:
    """Return whether the person has seen a test notice, or keeps the address anyway."""
    sent = try_notice(url)
    question = "Did it arrive?" if sent else "Keep this address all the same?"
    print(f"  {question} (yes/no) ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() == "yes"


def main(name: str) -> int:
    """Print the value; return the exit status."""
    try:
        value = from_terminal(name) if sys.stdin.isatty() else from_environment(name)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except (EOFError, KeyboardInterrupt):
        print("\nNo value was given.", file=sys.stderr)
        return 1
    sys.stdout.write(value)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
