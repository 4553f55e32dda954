"""A form field for a day and a local time."""

from datetime import UTC, datetime, tzinfo
from typing import Any

from flask_wtf import FlaskForm
from wtforms import DateTimeLocalField
from wtforms.validators import InputRequired

# Browsers send the first format, or the second, which has seconds. People type the third format if
# their browser has no picker.
_FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]


class MomentField(DateTimeLocalField):
    """A field for a day and a local time. The time zone is passed to `in_utc`."""

    def __init__(self, label: str, validators: list[Any] | None = None, **options: Any) -> None:
        super().__init__(label, validators, format=_FORMATS, **options)

    def in_utc(self, zone: tzinfo) -> datetime:
        """Return the moment in UTC. The field must not be empty. A time that is skipped when the
        clocks change is read as the time an hour later."""
        moment: datetime = self.data
        return moment.replace(tzinfo=zone).astimezone(UTC)


class MoveForm(FlaskForm):
    """The form that moves a party or an event to another time."""

    starts_at = MomentField("New day and hour", [InputRequired("Choose a day and an hour.")])

    def starts(self, zone: tzinfo) -> datetime:
        """Return the new start time in UTC. The form must be valid."""
        return self.starts_at.in_utc(zone)
