"""The forms of the host's pages."""

from datetime import datetime
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
)
from wtforms.validators import (
    InputRequired,
    NumberRange,
    Optional,
    StopValidation,
    ValidationError,
)
from wtforms.widgets import TextInput

from phonebank.core.edit_form import EditForm
from phonebank.core.errors import InvalidInputError
from phonebank.core.moment_field import MomentField
from phonebank.parties.display_names import NAME_AT_MOST, clean_name
from phonebank.parties.services import GOAL_AT_MOST
from phonebank.rules.time_zones import UnknownTimeZoneError, time_zone


def validate_name(form: FlaskForm, field: StringField) -> None:
    """Replace the name in the field with the name as it will be stored, or raise ValidationError if
    `clean_name` refuses the name. This function is a WTForms validator."""
    try:
        field.data = clean_name(field.data or "", field.label.text.lower())
    except InvalidInputError as fault:
        raise ValidationError(f"{fault.message} {fault.what_to_do}") from None


class GoalField(IntegerField):
    """The field for a party's goal, a number of conversations. The browser shows it as a text
    field, so that the page can show the typed text beside the error, even if the text is not a
    number."""

    widget = TextInput()

    def __init__(self, label: str, description: str = "", **kwargs: Any) -> None:
        validators = [
            InputRequired("Type how many conversations the party wants to have."),
            NumberRange(1, GOAL_AT_MOST, f"The goal must be from 1 to {GOAL_AT_MOST:,}."),
        ]
        super().__init__(label, validators, description=description, **kwargs)

    def process_formdata(self, valuelist: Any) -> None:
        typed = "".join(valuelist).strip()
        if not typed:
            return
        try:
            goal = int(typed)
        except ValueError:
            raise ValueError("The goal must be a whole number, such as 50.") from None
        # NumberRange fails on a number with hundreds of digits.
        self.data = max(-1, min(goal, GOAL_AT_MOST + 1))

    def pre_validate(self, form: Any) -> None:
        if self.process_errors:
            raise StopValidation


class NewPartyForm(FlaskForm):
    """The form for a new party. A host can leave every field as it is, so it takes less than a
    minute to make a party."""

    campaign = SelectField("Campaign", coerce=int)
    title = StringField(
        "Title",
        [validate_name],
        description=f"The board shows this title. Up to {NAME_AT_MOST} characters.",
    )
    starts_at = MomentField("When", [Optional()], description="Leave this empty to start now.")
    # JavaScript fills this field in. Without JavaScript it is the zone of the campaign's country.
    time_zone = HiddenField()
    goal = GoalField(
        "Goal",
        "The number of conversations for the whole party. Ten people have about 50 in two hours.",
        default=50,
    )
    door_open = BooleanField(
        "Let people in automatically",
        description="People with the code join at once. Otherwise you approve each person.",
    )

    def zone(self, default: str) -> str:
        """Return the browser's time zone. Return `default` if the browser sent no time zone, or
        sent one that does not exist."""
        try:
            return time_zone(self.time_zone.data or default).key
        except UnknownTimeZoneError:
            return default

    def starts(self, zone: str) -> datetime | None:
        """Return the start of the party in UTC. Return None if the host left the start empty,
        because the party then starts now."""
        return self.starts_at.in_utc(time_zone(zone)) if self.starts_at.data else None


class SettingsForm(EditForm):
    """The form for the settings that a host can change while a party is running. The form is on the
    party's page."""

    title = StringField("Title", [validate_name])
    goal = GoalField("Goal: conversations for the whole party")
    celebrate = BooleanField("Celebrate first calls and each quarter of the goal")
