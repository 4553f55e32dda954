"""A real mail server in the test's process, which keeps every message."""

import email
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from typing import Any


class _Session(socketserver.StreamRequestHandler):
    """The few SMTP commands (RFC 5321) that a message needs."""

    server: "MailServer"

    def handle(self) -> None:
        with suppress(ConnectionError):  # a client that is killed hangs up anywhere
            self._converse()

    def _converse(self) -> None:
        self.server.connections += 1
        taken = 0
        self._say("220 here")
        while line := self.rfile.readline():
            verb = line.split()[0].upper().rstrip(b":")
            self.server.heard.append(line.decode().strip())
            if verb == b"MAIL" and taken == self.server.messages_a_connection:
                self._say("421 too many messages")
                return
            if verb == b"DATA":
                self._say("354 go on")
                message = b""
                while (line := self.rfile.readline()) != b".\r\n":
                    if not line:
                        return
                    self.server.heard.append(line.decode().strip())
                    message += line[1:] if line.startswith(b"..") else line
                self.server.take(message)
                taken += 1
                if taken == self.server.messages_a_connection and self.server.is_rude:
                    self._say("250 yes")
                    return
            if verb == b"RCPT" and b"refused@" in line:
                self._say("550 no such mailbox")
                continue
            self._say("250 yes")
            if verb == b"QUIT":
                return

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


class MailServer(socketserver.ThreadingTCPServer):
    """The server. `heard` has every line that clients sent, and `messages` has every message.
    `connections` counts the clients' connections. The server ends each connection after
    `messages_a_connection` messages: by the code 421 at the next message or, if `is_rude`, without
    a word."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.connections = 0
        self.messages_a_connection = 1000
        self.is_rude = False
        self.heard: list[str] = []
        self.messages: list[EmailMessage] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def take(self, content: bytes) -> None:
        message: Any = email.message_from_bytes(content, policy=email.policy.default)
        self.messages.append(message)

    def to(self, address: str) -> list[EmailMessage]:
        """Return the messages to an address, in the order in which they came."""
        return [message for message in list(self.messages) if message["To"] == address]


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Run a mail server on a free port of this machine."""
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def text_of(message: EmailMessage) -> str:
    """Return the words of a message."""
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())
