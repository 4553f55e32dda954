"""Sends one signed request to one IP address. If the request takes longer than TIMEOUT seconds, the
connection is cut."""

import base64
import contextlib
import hashlib
import hmac
import http.client
import socket
import ssl
import threading
import time

from phonebank.core.errors import InvalidInputError
from phonebank.webhooks.addresses import Target, public_address, read_url

# Seconds for the whole request, from the connection to the response's headers. A receiver that
# needs longer should first answer the request, and do its work later.
TIMEOUT = 10.0
SECRET_PREFIX = "whsec_"  # noqa: S105  (the beginning of each secret, as Standard Webhooks has it)


class NotDeliveredError(Exception):
    """The error for a request that could not be sent, or that the receiver did not accept. `status`
    is the HTTP status of the response, or None if there was no response."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def post(url: str, secret: str, delivery_id: str, body: bytes) -> int:
    """Sign and send the body, and return the HTTP status of the response. Raises NotDeliveredError
    unless a response comes in time and its status is from 200 to 299.

    The host is looked up once, and the request goes to the IP address that was found and checked.
    No redirect is followed.
    """
    try:
        target = read_url(url)
        address = public_address(target)
    except InvalidInputError as refused:
        raise NotDeliveredError(refused.message) from None
    timestamp = str(int(time.time()))
    headers = {
        "Host": target.host if target.port in (80, 443) else f"{target.host}:{target.port}",
        "Content-Type": "application/json",
        "User-Agent": "Phonebank",
        "Webhook-Id": delivery_id,
        "Webhook-Timestamp": timestamp,
        "Webhook-Signature": sign(secret, delivery_id, timestamp, body),
    }
    line = _Line()
    timer = threading.Timer(TIMEOUT, line.cut)
    timer.daemon = True
    timer.start()
    try:
        status = _send(line, address, target, headers, body)
    except ssl.SSLCertVerificationError:
        raise NotDeliveredError("Its HTTPS certificate is not valid for this address.") from None
    except (OSError, http.client.HTTPException) as error:
        slow = line.is_cut or isinstance(error, TimeoutError)
        words = "It did not answer within 10 seconds." if slow else "It could not be reached."
        raise NotDeliveredError(words) from None
    finally:
        timer.cancel()
        line.close()
    if 300 <= status < 400:
        raise NotDeliveredError("It redirects. Enter the address that it leads to.", status)
    if not 200 <= status < 300:
        raise NotDeliveredError(f"It refused the request with the status {status}.", status)
    return status


def sign(secret: str, delivery_id: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a request, as Standard Webhooks defines it: an HMAC with SHA-256 of
    the delivery's id, the timestamp and the body."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


class _Line:
    """The connection for one request. Another thread can cut the connection.

    The socket's timeout does not limit the time of the whole request, because it applies to each
    read separately. A server could send single bytes for hours.
    """

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.is_cut = False

    def cut(self) -> None:
        self.is_cut = True
        if self.socket is not None:
            with contextlib.suppress(OSError):
                # The method of an SSLSocket would change what the other thread is using.
                socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()


def _send(line: _Line, address: str, target: Target, headers: dict[str, str], body: bytes) -> int:
    line.socket = socket.create_connection((address, target.port), TIMEOUT)
    if target.is_https:
        secured = tls_context().wrap_socket(
            line.socket, server_hostname=target.host, do_handshake_on_connect=False
        )
        line.socket = secured
        secured.do_handshake()
    connection = http.client.HTTPConnection(target.host)
    connection.sock = line.socket
    # Otherwise http.client would look the host up and connect again.
    connection.auto_open = 0
    connection.request("POST", target.path, body, headers)
    # The body of the answer is not read, so it may have any length.
    return connection.getresponse().status


def tls_context() -> ssl.SSLContext:
    """Return the TLS settings for a request. With them, the server's certificate and the host name
    in the certificate are checked."""
    return ssl.create_default_context()
