"""What the lines of a trunk cost, which says no price itself."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from phonebank.core.config import Config, ConfigError, config_of
from phonebank.core.db import db
from phonebank.models import EndCause, Line, LineSide, LineState, now
from phonebank.telephony.jobs import fill_in_prices


def test_a_line_costs_by_the_second_and_a_browsers_nothing(app, phone_bank, monkeypatch):
    config = replace(config_of(app), telephony="asterisk", asterisk_price=Decimal("0.02"))
    monkeypatch.setitem(app.extensions, "phonebank", config)

    def line(provider_id, answered=True, ended=True):
        at = now()
        made = Line(
            campaign_id=phone_bank.campaign.id,
            side=LineSide.PERSON,
            backend="asterisk",
            provider_id=provider_id,
            answered_at=at - timedelta(seconds=90) if answered else None,
            ended_at=at if ended else None,
            state=LineState.ENDED if ended else LineState.ANSWERED,
            cause=EndCause.HUNG_UP if ended else None,
        )
        db.session.add(made)
        db.session.flush()
        return made

    talked, busy = line("line-1"), line("line-2", answered=False)
    browser, open_line = line("1795.7"), line("line-3", ended=False)
    db.session.commit()
    fill_in_prices()
    db.session.expire_all()
    assert (talked.cost, talked.currency) == (Decimal("0.03"), "GBP")
    assert (busy.cost, browser.cost, open_line.cost) == (0, 0, None)


@pytest.mark.parametrize("price", ["two pence", "-1", "NaN", "1000"])
def test_what_is_no_price_is_refused(price, config):
    needed = {
        "DATABASE_URL": "postgresql://host/name",
        "REDIS_URL": "redis://host",
        "SECRET_KEY": "x",
        "PASSWORD_SALT": "x",
        "TOTP_SECRET": "x",
    }
    with pytest.raises(ConfigError, match="ASTERISK_PRICE_A_MINUTE"):
        Config.from_environment({**needed, "ASTERISK_PRICE_A_MINUTE": price})
