"""Selects the provider of telephone lines that this server uses."""

import importlib
from typing import cast

from phonebank.core.config import MANUAL, Config, ConfigError, current_config
from phonebank.telephony.backend import Backend

# Each module is imported only where it is chosen, because most servers need none of them.
_BACKENDS = {
    "simulator": ("phonebank.telephony.simulator_backend", "SimulatorBackend"),
    "twilio": ("phonebank.telephony.twilio_backend", "TwilioBackend"),
    "asterisk": ("phonebank.telephony.asterisk_backend", "AsteriskBackend"),
}


def current_backend() -> str | None:
    """Return the name of the current app's provider, or None if the app has no provider. No
    provider's module is imported."""
    chosen = current_config().telephony
    return None if chosen == MANUAL else chosen


def backend_for(config: Config) -> Backend | None:
    """Set up the provider that the setting TELEPHONY names, and return it. Return None if the
    setting is `manual`.

    Raises ConfigError if a module that the provider needs is not installed, or if the provider's
    settings are wrong.
    """
    if config.telephony == MANUAL:
        return None
    module, name = _BACKENDS[config.telephony]
    try:
        made = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as missing:
        raise ConfigError(
            f"TELEPHONY={config.telephony} can't be used here: {missing}."
        ) from missing
    return cast(Backend, made(config))
