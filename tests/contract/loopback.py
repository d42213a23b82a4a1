"""A loopback server, plain or TLS, whose every reply a test scripts."""

from __future__ import annotations

import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Script = Callable[[socket.socket, threading.Event], object]
"""Serve one connection; end early when the event is set."""


class Loopback:
    """Accepts connections on a free port and plays `script` on each."""

    def __init__(self, script: Script, certificate: Path | None = None) -> None:
        self._play = script
        self.accepted = 0
        self._peers: list[socket.socket] = []
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._tls: ssl.SSLContext | None = None
        if certificate:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(certificate)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        if self._over.is_set():
            return
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def hang_up(self) -> None:
        """Close every connection."""
        for peer in self._peers:
            with suppress(OSError):  # ended already
                peer.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            self._peers.append(peer)
            thread = threading.Thread(target=self._serve, args=(peer,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, peer: socket.socket) -> None:
        peer.settimeout(5)
        try:
            if self._tls:
                peer = self._tls.wrap_socket(peer, server_side=True)
            self._play(peer, self._over)
        except (OSError, ValueError):
            pass  # the client hung up or speaks TLS, which is what some tests want
        finally:
            peer.close()


@dataclass(frozen=True)
class Request:
    """One request, read whole."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Their names in small letters."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def read_request(stream: Any) -> Request | None:
    """Read one request from a peer's file; None where it sends no more."""
    line = stream.readline().decode()
    if not line:
        return None
    method, path, _ = line.split()
    headers: dict[str, str] = {}
    while (line := stream.readline().decode().strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))
    return Request(method, path, headers, body)


def request_head(peer: socket.socket) -> bytes:
    """Read one request's head and as much of its body as came along."""
    head = b""
    while b"\r\n\r\n" not in head:
        got = peer.recv(65536)
        if not got:
            break
        head += got
    return head


def drip(peer: socket.socket, text: bytes, over: threading.Event) -> None:
    """Send a byte each 50 ms."""
    for byte in text:
        peer.sendall(bytes([byte]))
        if over.wait(0.05):
            return


def self_signed(path: Path) -> Path:
    """Write a key and a certificate for 127.0.0.1 into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
