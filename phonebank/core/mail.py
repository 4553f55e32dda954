"""E-mail: `send` sends one plain-text message."""

import logging
import smtplib

from flask import Flask
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


def init_app(app: Flask, config: Config) -> None:
    """Set up the mail server. Log a warning if a public server has none."""
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
    """Whether the configuration names a mail server. None stands for the current app's
    configuration."""
    config = config or current_config()
    return bool(config.mail_server)


def send(to: str, subject: str, text: str) -> None:
    """Send one plain-text message now. Raises MailNotSentError if the mail server does not accept
    it."""
    try:
        EmailMessage(subject, text, to=[to]).send()
    except (OSError, smtplib.SMTPException) as error:
        # The log gets only the kind of error, because the server's text quotes the address and
        # sometimes the message.
        log.error("the mail server did not take a message: %s", type(error).__name__)
        raise MailNotSentError(
            "The mail server didn't accept the e-mail.",
            "Try again in a few minutes. If it still fails, tell the person who runs this server.",
        ) from None


def deliver(to: str, subject: str, text: str) -> None:
    """Send one plain-text message. Without a mail server, print it, so that the demonstration can
    be tried without one.

    In production it is not printed, because more people read a public server's log than the
    mailbox. Raises MailNotSentError.
    """
    if is_configured():
        send(to, subject, text)
    elif current_config().is_production:
        log.error("MAIL_SERVER is not set: an e-mail was wanted and not sent.")
    else:
        print(f"E-mail to {to}: {subject}\n\n{text}", flush=True)
