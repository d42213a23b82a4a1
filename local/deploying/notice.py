"""Send one test notice to the address in standard input, before it is kept.

http(s) addresses get a JSON POST as the functions send it. Any other is Apprise's;
where that package is missing, as on a new machine, it is fetched into a folder first.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

TEXT = "A test from deploy.sh: notices of your FYERS alerts will arrive here."
SECONDS = 15
PINS = Path("requirements.txt")


class NotSent(Exception):
    """Why nothing left; never with the address, which is a credential."""


def send(url: str) -> None:
    """Send the test notice; raise `NotSent`."""
    if url.partition("://")[0].lower() in ("http", "https"):
        _post(url)
    else:
        _by_apprise(url)


def _post(url: str) -> None:
    body = {"message": TEXT, "severity": "INFO", "event": "test_notice"}
    request = Request(  # noqa: S310  # http(s) only: send() looks
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urlopen(request, timeout=SECONDS):  # noqa: S310  # as above
            return
    except HTTPError as error:
        raise NotSent(f"it answered {error.code}") from None
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise NotSent(f"it is out of reach ({type(reason).__name__})") from None


def _by_apprise(url: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", _SENDER, *_path_of_apprise(Path(folder))],
            input=url,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS * 2,
        )
    if done.returncode:
        raise NotSent("the service did not take it")


_SENDER = f"""
import logging, sys
sys.path[:0] = sys.argv[1:]
from apprise import Apprise
logging.getLogger("apprise").disabled = True  # it writes addresses
service = Apprise.instantiate(sys.stdin.read())
sys.exit(not (service and service.notify(title="FYERS alerts", body={TEXT!r})))
"""


def _path_of_apprise(folder: Path) -> list[str]:
    """Return what to put on the path to import Apprise; raise `NotSent`."""
    known = subprocess.run(
        [sys.executable, "-c", "import apprise"], capture_output=True, check=False
    )
    if not known.returncode:
        return []
    lines = PINS.read_text().splitlines()
    pin = next(line.split()[0] for line in lines if line.startswith("apprise=="))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)]
    done = subprocess.run([*pip, pin], capture_output=True, check=False)
    if done.returncode:
        raise NotSent("the package that sends it (apprise) could not be installed here")
    return [str(folder)]
