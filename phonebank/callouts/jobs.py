"""The job that follows up call-outs: it turns pledges into parties, e-mails hosts and guests, and
makes contact lists."""

import logging

from phonebank.callouts import settle
from phonebank.core.db import db
from phonebank.core.jobs import CHORES, job
from phonebank.core.mail import MailNotSentError, MessagePutOffError
from phonebank.models import now

log = logging.getLogger(__name__)


@job(CHORES, timeout=5 * 60)
def look_after_call_outs() -> None:
    """End call-outs that started more than `settle.LASTS_AT_MOST` ago and that nobody has ended.
    After a call-out that lets people become hosts, make a party from each pledge by a person who
    gave an e-mail address. E-mail each host a link to the host's kit (a page to print). E-mail the
    people who took places at these parties, to ask them to confirm their places. On the morning
    after a call-out, make a new campaign with a contact list of people who pledged and gave a phone
    number. The list has those whose pledge has no party, and those who have not visited the site
    since the e-mail about their party.

    Delete the sign-ups of campaigns whose personal data is erased.
    """
    settle.end_forgotten(now())
    for pledge_id in settle.unsettled_pledges():
        try:
            settle.settle(pledge_id)
        except MessagePutOffError:
            db.session.rollback()  # the next run tries this one again
        except MailNotSentError:
            db.session.rollback()
            break  # the mail server takes no e-mail; the next run continues
    for pledge_id, sign_up_id in settle.uninvited_seats():
        try:
            settle.invite_seat(pledge_id, sign_up_id)
        except MessagePutOffError:
            db.session.rollback()
        except MailNotSentError:
            db.session.rollback()
            break
    for call_out_id in settle.due_follow_ups(now()):
        settle.follow_up(call_out_id)
    settle.forget_sign_ups()
    db.session.commit()
