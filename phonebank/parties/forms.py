"""The forms of the host's pages."""

from datetime import UTC, datetime

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateTimeLocalField,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
)
from wtforms.validators import InputRequired, NumberRange, Optional, ValidationError

from phonebank.errors import BadInput
from phonebank.parties.names import NAME_AT_MOST, clean_name
from phonebank.parties.verbs import GOAL_AT_MOST
from phonebank.time_zones import UnknownTimeZone, time_zone


def a_name(form: FlaskForm, field: StringField) -> None:
    """A validator: what `clean_name` accepts, left in the field as it is stored."""
    try:
        field.data = clean_name(field.data or "", field.label.text.lower())
    except BadInput as fault:
        raise ValidationError(f"{fault.message} {fault.what_to_do}") from None


class NewPartyForm(FlaskForm):
    """Filled in in under a minute: every field but none is needed beyond what stands there."""

    campaign = SelectField("Campaign", coerce=int)
    title = StringField(
        "Title",
        [a_name],
        description=f"Shown on the board. {NAME_AT_MOST} characters at most.",
    )
    starts_at = DateTimeLocalField(
        "When",
        [Optional()],
        format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        description="Leave it empty to start now.",
    )
    # Filled in by the page's script; without it, the campaign's country decides.
    time_zone = HiddenField()
    goal = IntegerField(
        "Goal",
        [
            InputRequired("Say how many conversations the room wants to have."),
            NumberRange(1, GOAL_AT_MOST, f"A goal is a number from 1 to {GOAL_AT_MOST:,}."),
        ],
        default=50,
        description="Conversations for the whole room. Ten people have about 50 in two hours.",
    )
    door_open = BooleanField(
        "Leave the door open",
        description="Whoever has the code is in at once. Otherwise you let in each person.",
    )

    def zone(self, default: str) -> str:
        """The browser's time zone, or `default` where it named none that exists."""
        try:
            return time_zone(self.time_zone.data or default).key
        except UnknownTimeZone:
            return default

    def starts(self, zone: str) -> datetime | None:
        """When the party starts, in UTC; None for now."""
        moment: datetime | None = self.starts_at.data
        return moment.replace(tzinfo=time_zone(zone)).astimezone(UTC) if moment else None
