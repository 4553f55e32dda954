"""Asks the operating system for the state of the connection over which a request arrived."""

import socket
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# TCP states as Linux numbers them (tcp_states.h): the other end has closed the connection, or will
# send no more.
_CLOSED_BY_PEER = frozenset({7, 8})
# The place in `struct tcp_info` of the milliseconds since the last data came in.
_LAST_DATA_RECEIVED = struct.Struct("=52xI")


class ConnectionState(NamedTuple):
    """The state of a connection. `is_closed` says whether the other end has closed the connection,
    or will send nothing more over it. `waited` is the number of seconds since data last arrived
    over the connection."""

    is_closed: bool
    waited: float


def connection_state_of(environ: "WSGIEnvironment") -> ConnectionState | None:
    """Return the state of a request's connection, or None if the state is not known.

    Only Linux reports the state, and only for TCP. The web server must be gunicorn, which passes
    the connection's socket on. Behind a proxy, this connection is the one from the proxy. The proxy
    closes it when the client closes the client's own connection to the proxy.
    """
    connection = environ.get("gunicorn.socket")
    if connection is None or not hasattr(socket, "TCP_INFO"):
        return None
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA_RECEIVED.size)
        return ConnectionState(
            info[0] in _CLOSED_BY_PEER, _LAST_DATA_RECEIVED.unpack(info)[0] / 1000
        )
    except (OSError, struct.error):
        return None
