"""The tags that organisers give a person. These functions do not commit."""

import re

from sqlalchemy import delete, select

from phonebank.audit.record import record_audit
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.models import Account, Campaign, Contact, ContactTag

LONGEST = 40  # characters
AT_MOST = 20


def tags_of(contact: Contact) -> list[str]:
    """Return a person's tags, in order."""
    query = select(ContactTag.tag).where(ContactTag.contact_id == contact.id)
    return list(db.session.scalars(query.order_by(ContactTag.tag)))


def set_tags(contact: Contact, campaign: Campaign, words: str, account: Account) -> None:
    """Give a person these tags and no others. `words` has commas or line breaks between the tags.

    Raises InvalidInputError for too many tags, or one that is too long.
    """
    said = (" ".join(part.split()).lower() for part in re.split(r"[,;\n]", words))
    tags = list(dict.fromkeys(filter(None, said)))
    if len(tags) > AT_MOST or any(len(tag) > LONGEST for tag in tags):
        raise InvalidInputError(
            f"A person has at most {AT_MOST} tags, of at most {LONGEST} characters each.",
            "Use fewer or shorter tags.",
        )
    before = tags_of(contact)
    db.session.execute(delete(ContactTag).where(ContactTag.contact_id == contact.id))
    db.session.add_all(ContactTag(contact_id=contact.id, tag=tag) for tag in tags)
    db.session.flush()
    record_audit(
        "person tagged",
        account=account,
        campaign=campaign,
        subject_kind="person",
        subject_id=contact.id,
        before={"tags": len(before)},
        after={"tags": len(tags)},
    )
