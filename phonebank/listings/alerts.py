"""People who want one e-mail when there is an event near them. `wait_for_event` does not commit."""

from sqlalchemy.dialects.postgresql import insert

from phonebank.core.db import db
from phonebank.models import NearAlert, Place, now
from phonebank.places.find import describe_place


def wait_for_event(email: str, place: Place) -> None:
    """Store a person's e-mail address, in the form that `normalise_email` returns. When an event
    near `place` has room for a guest, the person gets one e-mail, and the address is deleted. If
    that does not happen within 60 days, the address is deleted without an e-mail. If the address is
    already stored for this place, nothing changes."""
    db.session.execute(
        insert(NearAlert)
        .values(
            email=email,
            country=place.country,
            place_code=place.code,
            area=describe_place(place)[:200],
            latitude=place.latitude,
            longitude=place.longitude,
            created_at=now(),
        )
        .on_conflict_do_nothing()
    )
