"""Which campaigns a dialler serves."""

from flask import Flask

from phonebank.calls.claim import claim
from phonebank.core.db import db
from phonebank.dialler.conclude import conclude
from phonebank.dialler.rows import campaigns_on_the_telephone, unjoined_of
from phonebank.models import Contact, EndCause, Line, LineSide, LineState, now
from tests.phone_bank import PhoneBank, call_of


def test_a_campaign_is_served_until_its_last_call_is_concluded(
    app_context: Flask, phone_bank: PhoneBank
) -> None:
    """The last line and the last caller may go in the same moment."""
    call = call_of(claim(phone_bank.sam))
    at = now()
    line = Line(
        campaign_id=phone_bank.campaign.id,
        side=LineSide.PERSON,
        backend="simulator",
        call_id=call.id,
        contact_id=call.contact_id,
        dialled_at=at,
        answered_at=at,
        ended_at=at,
        state=LineState.ENDED,
        cause=EndCause.HUNG_UP,
    )
    db.session.add(line)
    db.session.commit()
    assert campaigns_on_the_telephone() == [phone_bank.campaign.id]
    [row] = unjoined_of(phone_bank.campaign.id)
    conclude(row)
    assert campaigns_on_the_telephone() == []
    contact = db.session.get_one(Contact, call.contact_id)
    assert (contact.callable_at - now()).total_seconds() > 71.9 * 3600
