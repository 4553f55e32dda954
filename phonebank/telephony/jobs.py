"""The job that stores what telephone lines cost."""

import logging
from typing import cast

from phonebank.core.config import current_config
from phonebank.core.db import db
from phonebank.core.jobs import CHORES, job
from phonebank.telephony.asterisk_events import channel_ids_like
from phonebank.telephony.backend import BackendUnavailableError
from phonebank.telephony.backends import backend_for
from phonebank.telephony.prices import (
    TellsPrices,
    unpriced_lines,
    write_free_lines,
    write_prices,
    write_prices_by_the_minute,
)

log = logging.getLogger(__name__)


@job(CHORES, timeout=120)
def fill_in_prices() -> None:
    """Store the cost of the lines that ended in the last two days and have no cost yet. The job
    does this for Twilio, and for Asterisk if the server's settings have a price. For any other
    provider, it does nothing. If Twilio does not answer or does not know a price yet, a later run
    asks again."""
    config = current_config()
    if config.telephony == "twilio":
        ask_for_prices(cast(TellsPrices, backend_for(config)))
    elif config.telephony == "asterisk" and config.asterisk_price is not None:
        price, currency = config.asterisk_price, config.asterisk_currency
        write_prices_by_the_minute("asterisk", price, currency, channel_ids_like())
        db.session.commit()


def ask_for_prices(backend: TellsPrices) -> None:
    """Ask the provider for the prices that are missing, and store them. For lines that cost
    nothing, `write_free_lines` stores a price of 0 without asking the provider. If the provider
    does not answer, no other line gets a price. This function commits."""
    write_free_lines(backend.name)
    unpriced = unpriced_lines(backend.name)
    db.session.commit()  # the provider may take seconds to answer
    if not unpriced:
        return
    try:
        told = backend.prices_since(min(unpriced.values()))
    except BackendUnavailableError as error:
        log.warning("no prices of lines: %s", error)
        return
    write_prices(backend.name, unpriced, told)
    db.session.commit()
