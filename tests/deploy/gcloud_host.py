"""Run inside gcloud's own Python: gcloud, imported once and forked for each call.

    python3 gcloud_host.py SDK_ROOT SOCKET              the host, until its input ends
    python3 gcloud_host.py --ask SOCKET ARGUMENTS...    one call; its exit status

Most of a call's time goes into imports, half a second of CPU, and the stories make
hundreds of calls. A call gets its own process with the caller's arguments, environment,
folder and open files; all that it shares with another is what was imported.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import random
import selectors
import socket
import struct
import sys
from typing import Any

BESIDES = (
    "cloudsdk.google.protobuf.wrappers_pb2",
    "google.oauth2.reauth",
    "googlecloudsdk.api_lib.compute.base_classes",
    "googlecloudsdk.api_lib.run.global_methods",
    "googlecloudsdk.api_lib.storage.gcs_json.client",
    "googlecloudsdk.calliope.parser_completer",
    "googlecloudsdk.command_lib.concepts.concept_managers",
    "googlecloudsdk.command_lib.iam.iam_util",
    "googlecloudsdk.command_lib.run.flags",
    "googlecloudsdk.command_lib.run.serverless_operations",
    "googlecloudsdk.command_lib.storage.flags",
    "googlecloudsdk.command_lib.storage.tasks.task_executor",
    "googlecloudsdk.command_lib.util.apis.yaml_command_translator",
    "googlecloudsdk.core.credentials.google_auth_credentials",
    "googlecloudsdk.core.credentials.p12_service_account",
    "googlecloudsdk.generated_clients.apis.compute.v1.compute_v1_client",
    "googlecloudsdk.generated_clients.apis.run.v1.run_v1_client",
    "googlecloudsdk.generated_clients.apis.secretmanager.v1.secretmanager_v1_client",
    "proto",
)
"""What many commands import beyond gcloud's own start."""


def serve(root: str, address: str) -> None:
    """Answer calls on a socket until standard input ends."""
    sys.path[:0] = [f"{root}/lib"]
    gcloud = importlib.import_module("gcloud")
    importlib.import_module("googlecloudsdk.gcloud_main")
    for name in BESIDES:
        with contextlib.suppress(ImportError):  # of another version of gcloud
            importlib.import_module(name)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(16)
    ready = selectors.DefaultSelector()
    ready.register(listener, selectors.EVENT_READ)
    ready.register(sys.stdin, selectors.EVENT_READ)
    print("ready", flush=True)
    while all(key.fileobj is listener for key, _ in ready.select()):
        caller, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            ready.close()
            _call(gcloud, root, caller)
        caller.close()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _call(gcloud: Any, root: str, caller: socket.socket) -> None:
    """Be gcloud for one caller, and never return."""
    first, files, *_ = socket.recv_fds(caller, 4, 3)
    (size,) = struct.unpack("!I", first)
    asked = json.loads(_exactly(caller, size))
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(asked["environment"], CLOUDSDK_ROOT_DIR=root)
    os.chdir(asked["folder"])
    random.seed()
    configurations = importlib.import_module(
        "googlecloudsdk.core.configurations.named_configs"
    )
    configurations.ActivePropertiesFile.Invalidate()  # it was the folder of the host
    sys.argv = [f"{root}/lib/gcloud.py", *asked["arguments"]]
    status = 1
    try:
        gcloud.main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        caller.sendall(bytes([status & 255]))
        os._exit(status)


def ask(address: str, arguments: list[str]) -> int:
    """Let the host make one call; return its status."""
    said = json.dumps(
        {
            "arguments": arguments,
            "environment": dict(os.environ),
            "folder": os.getcwd(),  # noqa: PTH109 - gcloud's Python starts faster so
        }
    ).encode()
    with socket.socket(socket.AF_UNIX) as host:
        host.connect(address)
        socket.send_fds(host, [struct.pack("!I", len(said))], [0, 1, 2])
        host.sendall(said)
        return (host.recv(1) or b"\1")[0]


def _exactly(caller: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size and (piece := caller.recv(size - len(found))):
        found += piece
    return found


if __name__ == "__main__":
    if sys.argv[1] == "--ask":
        sys.exit(ask(sys.argv[2], sys.argv[3:]))
    serve(sys.argv[1], sys.argv[2])
