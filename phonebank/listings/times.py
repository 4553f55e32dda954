"""When an event is over, and when its guests get their reminders. Pure functions."""

from datetime import UTC, datetime, time, timedelta

from phonebank.models import MailKind
from phonebank.parties.calendar import LASTS
from phonebank.rules.time_zones import time_zone

# The e-mails on the day before and the day after are sent at this time, in the event's time zone.
AT = time(11)
SOON_BEFORE = timedelta(hours=2)


def reminder_times(starts_at: datetime, zone: str) -> dict[MailKind, datetime]:
    """Return when the two reminders of an event, and the e-mail that thanks its guests afterwards,
    are due, in UTC. `starts_at` is aware, and `zone` is the IANA name of the event's time zone."""
    here = time_zone(zone)
    day = starts_at.astimezone(here).date()
    one = timedelta(days=1)
    return {
        MailKind.DAY_BEFORE: datetime.combine(day - one, AT, here).astimezone(UTC),
        MailKind.SOON: starts_at.astimezone(UTC) - SOON_BEFORE,
        MailKind.THANKS: datetime.combine(day + one, AT, here).astimezone(UTC),
    }


def is_over(starts_at: datetime, at: datetime) -> bool:
    """Whether an event counts as over at `at` (aware). An event counts as over two hours after its
    start. Nobody new should come to it then."""
    return starts_at + LASTS <= at
