"""Runs a function, for example one that sends an e-mail, after the response has been sent."""

import logging
from collections.abc import Callable

from flask import Flask, Response, current_app

from phonebank.core.mail import MailNotSentError

log = logging.getLogger(__name__)


def run_after(response: Response, action: Callable[[], None]) -> None:
    """Run `action` after `response` has been sent.

    If the action sends an e-mail, the browser does not wait for the mail server. The response time
    then does not reveal whether an e-mail was sent to the address that the person typed. An error
    in the action is logged and not raised.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    @response.call_on_close
    def act() -> None:
        with app.app_context():
            try:
                action()
            except MailNotSentError:
                pass  # core/mail.py has logged the error, and the response was sent
            except Exception as error:
                log.error("an e-mail was not sent: %s", type(error).__name__)
