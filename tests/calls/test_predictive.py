"""More people answer than callers are free, on real lines."""

import time

import pytest

from phonebank.core.db import db
from phonebank.dialler.campaign_dialler import CampaignDialler
from phonebank.models import CampaignMode, Contact, PhoneSettings, now
from phonebank.telephony.record_events import record_event
from tests.calls.test_asterisk_backend import loudness, record
from tests.calls.test_dialler import ANSWERS, evening
from tests.phonebank.dialler.test_predictive import dial_at_once

pytestmark = [pytest.mark.calls, pytest.mark.usefixtures("clean_stores")]
__all__ = ["evening"]  # a fixture

MESSAGE_TAKES = 2.0  # seconds: see `Asterisk`


def test_one_person_is_put_through_and_the_others_hear_who_called(app, evening, monkeypatch):
    dial_at_once(monkeypatch, 3)
    evening.campaign.mode = CampaignMode.PREDICTIVE
    settings = db.session.get_one(PhoneSettings, evening.campaign.id)
    settings.law_confirmed_at = now()
    numbers = evening.people(ANSWERS, ANSWERS, ANSWERS)
    evening.caller("+442079460009")

    def tell(event):
        with app.app_context():
            record_event(event)
            db.session.commit()

    evening.backend.listen(tell)
    dialler = CampaignDialler(evening.campaign.id, evening.backend)
    recordings: dict[int, str] = {}
    give_up = time.monotonic() + 40
    while len([line for line in evening.people_lines() if line.ended_at]) < 2:
        assert time.monotonic() < give_up
        dialler.turn()
        db.session.expire_all()
        for line in evening.people_lines():
            if line.answered_at and line.id not in recordings and not line.ended_at:
                recordings[line.id] = record(evening.backend, f"line-{line.id}")
        time.sleep(0.05)
    dialler.turn()
    dialler.close()
    evening.backend.close()
    db.session.expire_all()
    lines = evening.people_lines()
    left = [line for line in lines if not line.joined_at]
    assert (len(lines), len(left)) == (3, 2)
    for line in left:
        assert (line.played_at - line.answered_at).total_seconds() < 2 + MESSAGE_TAKES + 0.5
        assert loudness(evening.asterisk, recordings[line.id]) > 300, "they heard the message"
        person = db.session.get_one(Contact, line.contact_id)
        assert (person.callable_at - now()).total_seconds() > 71.9 * 3600
    assert sorted(evening.called()) == sorted(numbers), "nobody was called twice"
