"""Check env.yaml with the functions' own parser, before anything is made.

    python -m local.deploying.settings file ENV_FILE FOLDER FUNCTION...
    python -m local.deploying.settings needs - FOLDER
    python -m local.deploying.settings instant SECONDS

The first writes into FOLDER what deploy.sh goes on with: `settings` (the values that
are set, a line each) and `needs/FUNCTION` for every function (lines of `env NAME`,
`secret NAME` and `optional-secret NAME`). A refusal is a sentence and status 1; it
never repeats a value, which may be a secret in the wrong place. The second writes only
`needs`; the third prints seconds since 1970 as a setting's time, or nothing if that has
passed.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from shared import config
from shared.errors import Misconfigured
from shared.models import IST

LINE = re.compile(r'([A-Z][A-Z0-9_]*): "([^"\\]*)"[ \t]*(#.*)?')
LEVELS = ("LOG_LEVEL", "CLOUD_LOG_LEVEL", "FILE_LOG_LEVEL")
LOGS = (*LEVELS, "USE_CLOUD_LOGGING", "LOG_FILE")

DERIVED: Mapping[str, str] = {
    "GOOGLE_CLOUD_PROJECT": "p",
    "GCS_BUCKET_NAME": "b",
    "NOTIFICATION_TOPIC": "t",
    "FYERS_REDIRECT_URI": "https://x.invalid",
    "AUTH_URL": "https://x.invalid",
    "DESK_URL": "https://x.invalid",
    "WEBHOOK_URL": "https://x.invalid",
    "WEBHOOK_SECRET_TOKEN_OLD_UNTIL": "2026-11-25T09:15:00+05:30",
}
"""What follows from the project, so env.yaml may not say it; a stand-in for each."""

LOCAL_ONLY = ("STATE_BACKEND", "LOCAL_STATE_DIR")

STAND_INS: Mapping[str, str] = {
    **dict.fromkeys(config.SECRETS, "stand-in-of-a-secret-not-asked-yet"),
    "NOTIFICATION_URL": "https://x.invalid",
    "HEARTBEAT_URL": "https://x.invalid",
}


class Refused(Exception):
    """The file cannot be deployed; the text says why to its owner."""


def parse(text: str) -> dict[str, str]:
    """Return the values of a settings file; raise `Refused` naming a bad line."""
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = LINE.fullmatch(line.rstrip())
        if not match:
            raise Refused(
                f'line {number}: every line must read  NAME: "value"\n'
                "(in double quotes, without quotes or backslashes inside)."
            )
        if values.get(match[1]):
            raise Refused(f"it names {match[1]} twice.")
        values[match[1]] = match[2]
    return values


YES = ("true", "1", "yes", "on")
"""What a setting says that is on."""


def check_names(names: Iterable[str]) -> None:
    """Raise `Refused` for a name that does not belong into the file."""
    known = config.names() | set(LOGS)
    for name in names:
        if name in config.SECRETS or name == "FYERS_AUTH_CODE":
            raise Refused(
                f"{name} is a secret and does not belong into a file; remove it.\n"
                "deploy.sh asks for what it needs and keeps it in Secret Manager."
            )
        if name in DERIVED or name in LOCAL_ONLY:
            raise Refused(f"{name} is set by deploy.sh itself; remove it.")
        if name not in known:
            raise Refused(f"there is no setting {name}.")


def check_values(values: Mapping[str, str], functions: Iterable[str]) -> None:
    """Raise `Refused` naming everything that a function would refuse, at once."""
    missing: dict[str, None] = {}
    wrong: dict[str, None] = {}
    for function in functions:
        wanted = [name for kind, name in config.needs(function) if kind == "env"]
        missing |= {
            name: None
            for name in wanted
            if name not in DERIVED and not values.get(name, "").strip()
        }
        wrong |= dict.fromkeys(problems({**STAND_INS, **DERIVED, **values}, function))
    if missing:
        raise Refused(f"it needs a value for: {' '.join(missing)}")
    if wrong:
        raise Refused("a function would refuse these:\n  " + "\n  ".join(wrong))


def problems(env: Mapping[str, str], function: str) -> tuple[str, ...]:
    """Return what a function's own parser says to an environment."""
    levels = logging.getLevelNamesMapping()
    said = tuple(
        f"{name} must be one of DEBUG, INFO, WARNING, ERROR"
        for name in LEVELS
        if env.get(name, "").strip() and env[name].strip().upper() not in levels
    )
    try:
        config.Settings.from_env(env, function)
    except Misconfigured as error:
        return (*said, *error.problems)
    return said


def warnings(values: Mapping[str, str]) -> list[str]:
    """Return what may be meant but mostly is not."""
    if not values.get("FYERS_APP_ID", "").strip().endswith("-100"):
        return []
    return [
        "FYERS_APP_ID ends in -100. Such an app is reported to be for data only: FYERS",
        "would refuse every order. An app that may trade ends in -200; make one at",
        "https://myapi.fyers.in/dashboard with the permission to place orders.",
    ]


def check_file(path: Path, folder: Path, functions: list[str]) -> None:
    """Check the file and write what deploy.sh needs of it; raise `Refused`."""
    if not path.is_file():
        raise Refused("it is missing; --env-file names another.")
    values = parse(path.read_text(encoding="utf-8-sig"))
    check_names(values)
    check_values(values, functions)
    given = {name: value for name, value in values.items() if value.strip()}
    lines = [f'{name}: "{value}"\n' for name, value in given.items()]
    (folder / "settings").write_text("".join(lines))
    write_needs(folder, refresh=given.get("TOKEN_REFRESH", "").lower() in YES)
    print("\n".join(warnings(values)))


def write_needs(folder: Path, *, refresh: bool = True) -> None:
    """Write the table of what each function needs; `refresh` is TOKEN_REFRESH."""
    (folder / "needs").mkdir(exist_ok=True)
    for function in config.FUNCTIONS:
        needs = config.needs(function, refresh=refresh)
        lines = [f"{kind} {name}\n" for kind, name in needs]
        (folder / "needs" / function).write_text("".join(lines))


def check_secret(name: str, value: str) -> None:
    """Raise `Refused` if the functions would not take this value of a secret."""
    users = [f for f in config.FUNCTIONS if any(n == name for _, n in config.needs(f))]
    env = {**STAND_INS, **DERIVED, "FYERS_APP_ID": "x", "FYERS_CLIENT_ID": "x"}
    for function in users or config.FUNCTIONS[:1]:
        said = problems({**env, name: value}, function)
        if said:
            raise Refused(" ".join(said))


def instant(seconds: int, now: datetime) -> str:
    """Return that time with its offset, or an empty text once it has passed."""
    then = datetime.fromtimestamp(seconds, IST)
    return then.isoformat() if then > now else ""


def main(words: list[str]) -> int:
    """Run one of the commands above; return the exit status."""
    try:
        if words[0] == "instant":
            print(instant(int(words[1]), datetime.now(IST)))
            return 0
        folder = Path(words[2])
        write_needs(folder)
        if words[0] == "file":
            check_file(Path(words[1]), folder, words[3:])
    except Refused as refusal:
        where = words[1] if words[0] == "file" else ""
        print(f"{where}{': ' if where else ''}{refusal}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
