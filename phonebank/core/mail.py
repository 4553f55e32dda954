"""Sends e-mail. `send` sends one plain-text message."""

import logging
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app
from flask_mailman import EmailMessage, Mail

from phonebank.core.config import Config, current_config
from phonebank.core.errors import ServiceUnavailableError

log = logging.getLogger(__name__)

# Seconds. A mail server that takes longer is unlikely to answer at all.
TIMEOUT = 10
# The port on which a mail server speaks TLS from the first byte (RFC 8314 section 3.3).
IMPLICIT_TLS_PORT = 465
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class MailNotSentError(ServiceUnavailableError):
    title = "We couldn't send the e-mail"


class AddressRefusedError(MailNotSentError):
    """The mail server refused the recipient's address for good. The server would refuse the address
    again, so the calling code should not send the message again."""


class MessagePutOffError(MailNotSentError):
    """The mail server answered, but did not take this message now, for example because of the
    message's recipient. The server may take the message later, and may take messages to other
    people now."""


def init_app(app: Flask, config: Config) -> None:
    """Set the mail server through which the app sends e-mail. In production, log a warning if no
    mail server is set."""
    implicit_tls = config.mail_port == IMPLICIT_TLS_PORT
    app.config.update(
        MAIL_BACKEND="smtp",
        MAIL_SERVER=config.mail_server,
        MAIL_PORT=config.mail_port,
        MAIL_USERNAME=config.mail_username,
        MAIL_PASSWORD=config.mail_password,
        MAIL_USE_SSL=implicit_tls,
        # Anyone who has a sign-in link can sign in, so a mail with a link leaves this machine only
        # encrypted.
        MAIL_USE_TLS=not implicit_tls and config.mail_server not in THIS_MACHINE,
        MAIL_DEFAULT_SENDER=config.mail_sender,
        MAIL_TIMEOUT=TIMEOUT,
    )
    Mail(app)
    if config.is_production and not is_configured(config):
        log.warning(
            "WARNING: MAIL_SERVER is not set. NOBODY CAN GET A SIGN-IN LINK BY E-MAIL. Set it (see "
            "docs/operations.md). Until then, `phonebank links EMAIL` prints a link here."
        )


def is_configured(config: Config | None = None) -> bool:
    """Whether the configuration names a mail server. Without `config`, the current app's
    configuration is used."""
    config = config or current_config()
    return bool(config.mail_server)


@dataclass(frozen=True)
class Attachment:
    """A file to be sent with a message."""

    name: str
    content: bytes
    kind: str  # a media type


@dataclass(frozen=True)
class Message:
    """A plain-text message to one person. `id` is the part of the message's Message-ID before the
    @. Many mailboxes show only one of two messages with the same id. If `id` is empty, the
    message gets a new Message-ID each time it is sent."""

    to: str
    subject: str
    text: str
    id: str = ""
    attachments: tuple[Attachment, ...] = ()


class Batch:
    """Sends several messages over one connection to the mail server. If the server ends the
    connection, the next message is sent over a new connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def send(self, message: Message) -> None:
        """Send a message now. If no mail server is set, and the mode is not production, print the
        message instead, without its attachments.

        Raises AddressRefusedError if the mail server refuses the address for good. Raises
        MessagePutOffError if the server does not take this message now. Raises MailNotSentError for
        every other failure, for example if the server does not answer.
        """
        config = current_config()
        if not is_configured(config) and not config.is_production:
            print(f"E-mail to {message.to}: {message.subject}\n{message.text}", flush=True)
            return
        mail = EmailMessage(
            message.subject, message.text, to=[message.to], connection=self._connection
        )
        if message.id:
            domain = config.mail_sender.rpartition("@")[2].strip("> ") or "localhost"
            mail.extra_headers["Message-ID"] = f"<{message.id}@{domain}>"
        for attachment in message.attachments:
            mail.attach(attachment.name, attachment.content, attachment.kind)
        try:
            self._send(mail)
        except (OSError, smtplib.SMTPException) as error:
            # The connection may have failed before it was encrypted, so it is not used again.
            self.close()
            raise _not_sent(error) from None

    def _send(self, mail: EmailMessage) -> None:
        """Send a message over the connection, and open the connection first if it is closed. If the
        server has ended the open connection, send the message over a new one."""
        is_new = self._connection.open()
        try:
            mail.send()
        except smtplib.SMTPException as error:
            if is_new or not _has_hung_up(error):
                raise
            self.close()
            self._connection.open()
            mail.send()

    def close(self) -> None:
        """Close the connection. The next message is sent over a new connection."""
        try:
            self._connection.close()
        except (OSError, smtplib.SMTPException) as error:
            log.warning("the mail server hung up: %s", type(error).__name__)


@contextmanager
def batch() -> Iterator[Batch]:
    """Provide a Batch for a `with` block, and close its connection at the end of the block."""
    opened = Batch(current_app.extensions["mailman"].get_connection())
    try:
        yield opened
    finally:
        opened.close()


def send_one(message: Message) -> None:
    """Send one message over a new connection. Raises the errors of `Batch.send`."""
    with batch() as opened:
        opened.send(message)


def send(to: str, subject: str, text: str) -> None:
    """Send one plain-text message now, over a new connection. A mail server must be set. Raises the
    errors of `Batch.send`."""
    try:
        EmailMessage(subject, text, to=[to]).send()
    except (OSError, smtplib.SMTPException) as error:
        raise _not_sent(error) from None


def _not_sent(error: Exception) -> MailNotSentError:
    # The log gets only the kind of error, because the server's text quotes the address and
    # sometimes the message.
    log.error("the mail server did not take a message: %s", type(error).__name__)
    return _kind_of(error)(
        "The mail server didn't accept the e-mail.",
        "Try again in a few minutes. If it still fails, tell the person who runs this server.",
    )


def _kind_of(error: Exception) -> type[MailNotSentError]:
    if _is_for_good(error):
        return AddressRefusedError
    # These two errors come after the server has greeted us and accepted the sender. All other
    # errors concern every message.
    is_about_one = isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError)
    if is_about_one and not _has_hung_up(error):
        return MessagePutOffError
    return MailNotSentError


def _has_hung_up(error: Exception) -> bool:
    """Whether this error means that the mail server has ended the connection. A server may do so
    after a pause, or after a number of messages. The server then often sends the code 421 (RFC 5321
    section 3.8)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return any(code == 421 for code, _ in error.recipients.values())
    is_closing = isinstance(error, smtplib.SMTPResponseException) and error.smtp_code == 421
    return is_closing or isinstance(error, smtplib.SMTPServerDisconnected)


def _is_for_good(error: Exception) -> bool:
    """Whether this error means that the mail server refused the recipient's address for good. The
    codes 530 (a password is needed) and 5.7.x (this sender is forbidden, RFC 3463) do not count,
    because a server sends them for every address."""
    return isinstance(error, smtplib.SMTPRecipientsRefused) and all(
        code >= 500 and code != 530 and not bytes(words).startswith(b"5.7.")
        for code, words in error.recipients.values()
    )


def deliver(to: str, subject: str, text: str) -> None:
    """Send one plain-text message. Raises the errors of `Batch.send`.

    If no mail server is set, and the mode is not production, print the message, so that people can
    try Phonebank without a mail server. In production without a mail server, only log an error. The
    message is not printed there, because more people can read a public server's log than the
    recipient's mailbox.
    """
    if is_configured():
        send(to, subject, text)
    elif current_config().is_production:
        log.error("MAIL_SERVER is not set: an e-mail was wanted and not sent.")
    else:
        print(f"E-mail to {to}: {subject}\n\n{text}", flush=True)
