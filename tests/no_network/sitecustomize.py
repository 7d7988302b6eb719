"""Every process of a test run starts with this: a connection that leaves the machine, and a name look-up, is an error.

The address of the loopback stays open for stand-ins that a test itself serves.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

_connect, _connect_ex, _sendto = socket.socket.connect, socket.socket.connect_ex, socket.socket.sendto


class NetworkDenied(AssertionError):
    """Raised instead of a connection."""


def _allowed(family: int, address: Any) -> bool:
    if family not in {socket.AF_INET, socket.AF_INET6}:
        return True
    host = str(address[0])
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _guard(original: Any) -> Any:
    def guarded(self: socket.socket, *arguments: Any) -> Any:
        if not _allowed(self.family, arguments[-1]):
            raise NetworkDenied(f"the test run has no network, and something wanted {arguments[-1]!r}")
        return original(self, *arguments)

    return guarded


def _look_up(host: Any, *_: Any, **__: Any) -> Any:
    if host in {None, "", "localhost", "127.0.0.1", "::1", b"localhost"}:
        return _getaddrinfo(host, *_, **__)
    raise NetworkDenied(f"the test run has no network, and something looked up {host!r}")


_getaddrinfo = socket.getaddrinfo
socket.socket.connect = _guard(_connect)  # type: ignore[method-assign]
socket.socket.connect_ex = _guard(_connect_ex)  # type: ignore[method-assign]
socket.socket.sendto = _guard(_sendto)  # type: ignore[method-assign]
socket.getaddrinfo = _look_up  # type: ignore[assignment]
