"""How callers' browsers reach the provider of telephone lines. Callers can talk through the browser
if the provider is Twilio or Asterisk, and the server's settings allow it."""

from flask import current_app

from phonebank.core.config import Config, current_config
from phonebank.core.errors import ServiceUnavailableError
from phonebank.telephony.backend import (
    Backend,
    BackendUnavailableError,
    NoSoftphoneError,
    SoftphoneToken,
)
from phonebank.telephony.backends import backend_for

# The addresses to which Twilio's JavaScript connects: for signalling, and for reports about the
# quality of calls.
TWILIO_ADDRESSES = ("wss://voice-js.roaming.twilio.com", "https://eventgw.twilio.com")

_EXTENSION = "phonebank.softphones"


def browser_addresses(config: Config) -> tuple[str, ...]:
    """Return the addresses that a caller's browser connects to, for the page's security policy. The
    result is empty if callers cannot talk through the browser."""
    if config.telephony == "asterisk" and config.asterisk_softphone_url:
        return (config.asterisk_softphone_url,)
    if config.telephony == "twilio" and config.twilio.has_softphone:
        return TWILIO_ADDRESSES
    return ()


def token_for(caller_id: int, line_id: int) -> SoftphoneToken:
    """Return what the caller's browser needs to open the caller's line.

    Raises NoSoftphoneError if callers cannot talk through the browser, and ServiceUnavailableError
    if the provider does not answer.
    """
    if not browser_addresses(current_config()):
        raise NoSoftphoneError
    try:
        return _backend().softphone_token(caller_id, line_id)
    except BackendUnavailableError:
        raise ServiceUnavailableError(
            "The telephone service doesn't answer.", "Try again, or use your own phone."
        ) from None


def _backend() -> Backend:
    """Return the provider of telephone lines. Each process sets the provider up once, when it first
    needs the provider. This function does not call `Backend.listen`. Raises NoSoftphoneError if
    there is no provider, and ConfigError for the same reasons as `backend_for`."""
    kept: Backend | None = current_app.extensions.get(_EXTENSION)
    if kept is None:
        kept = backend_for(current_config())
        if kept is None:
            raise NoSoftphoneError
        current_app.extensions[_EXTENSION] = kept
    return kept
