"""The text message that a caller may send from the caller's own phone after a call, and the record
that the message was sent. These functions do not commit."""

import uuid
from urllib.parse import quote

from sqlalchemy.dialects.postgresql import insert

from phonebank.calls.eligibility import NotAdmittedError
from phonebank.calls.hold import Hold, own_call
from phonebank.calls.merge_fields import fields_for
from phonebank.calls.undo import redial_block_reason
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.models import Caller, Campaign, TextSent, now
from phonebank.scripts.versions import script_of
from scripts_library.merge_fields import render_text


def text_for(hold: Hold, caller: Caller, campaign: Campaign) -> str:
    """Return the text message of the call's script, with its merge fields (placeholders) filled in.
    Return "" if the call has no script, if the script has no text message, or if
    `redial_block_reason` gives a reason not to call the contact again."""
    script = script_of(hold.call.script_version_id)
    if script is None or not script.text_message:
        return ""
    if redial_block_reason(hold.call, hold.contact, campaign):
        return ""
    return render_text(script.text_message, fields_for(hold.contact, caller, campaign))


def sms_link(phone: str, words: str) -> str:
    """Return the link that opens the phone's messaging app with this text, addressed to this number
    (E.164)."""
    # Older iPhones want "&" before the text, other phones "?".
    return f"sms:{phone}?&body={quote(words, safe='')}"


def record_sent(caller: Caller, call_id: uuid.UUID) -> None:
    """Record that the caller has sent the text message of this call. If this is already stored,
    nothing changes.

    Raises NotAdmittedError if the caller may not call. Raises NotFoundError if the caller has no
    such call or the person called was erased. Raises InvalidInputError if the call has no script
    with a text message.
    """
    if not caller.may_call:
        raise NotAdmittedError()
    call = own_call(caller, call_id)
    script = script_of(call.script_version_id)
    if script is None or not script.text_message:
        raise InvalidInputError("This call's script has no text message.", "Reload the page.")
    sent = insert(TextSent).values(call_id=call.id, sent_at=now())
    db.session.execute(sent.on_conflict_do_nothing())
