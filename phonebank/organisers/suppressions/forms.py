"""The forms of the do-not-call page."""

from typing import Any

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import HiddenField, SelectField, StringField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from phonebank.rules.countries import countries, rules_for
from phonebank.suppressions.batches import REASONS_TO_LIFT_MANY

# Each entry on the list stores one of these reasons. Outcomes of calls use the first two.
REASONS = {
    "asked": "They asked not to be called",
    "deceased": "They have died",
    "register": "They are on a register of people who do not want calls",
    "other": "Another reason",
}
# The server's log keeps this reason, without the number. Organisers choose it and do not type it,
# so that no name or number gets into the log.
REASONS_TO_LIFT = {
    "mistake": "It was entered by mistake",
    "new_owner": "The number belongs to someone else now",
    "asked_back": "They have asked to be called again",
}


def _choices(words: dict[str, str]) -> list[SelectChoice]:
    return [SelectChoice(key, label) for key, label in words.items()]


class _CountryForm(FlaskForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country.choices = [SelectChoice(code, rules_for(code).name) for code in countries()]


def _country(field_id: str) -> SelectField:
    about = "The country of numbers without a country code."
    return SelectField("Country", id=field_id, description=about)


class LookUpForm(_CountryForm):
    """The form that looks up a number on the do-not-call list."""

    number = StringField(
        "Phone number",
        [InputRequired("Type a number."), Length(max=120)],
        description="Any format works: 020 7946 0123, +44 20 7946 0123.",
    )
    country = _country("look-up-country")


class AddForm(_CountryForm):
    """The form in which an organiser enters numbers, as text or as a file. It also asks for the
    country of numbers without a country code, and for the reason."""

    numbers = TextAreaField("Numbers", description="Put one number on each line.")
    file = FileField(
        "Or a file",
        description="CSV or text. You'll see the numbers before any of them go on the list.",
    )
    country = _country("add-country")
    reason = SelectField("Why?", choices=_choices(REASONS))

    def validate_numbers(self, field: TextAreaField) -> None:
        if not (field.data or "").strip() and not self.file.data:
            raise ValidationError("Type or paste a number, or choose a file.")
        if (field.data or "").strip() and self.file.data:
            raise ValidationError("Enter numbers or choose a file, not both.")


class TakeBackForm(FlaskForm):
    """The form that asks why a file's numbers are removed from the do-not-call list."""

    why = SelectField(
        "Why are you removing this file's numbers?",
        [InputRequired("Choose a reason.")],
        choices=[SelectChoice("", "Choose a reason"), *_choices(REASONS_TO_LIFT_MANY)],
    )


class LiftForm(FlaskForm):
    """The form that removes a number from the do-not-call list. It also asks for the reason."""

    phone = HiddenField()
    why = SelectField(
        "Why can this number be called again?",
        [InputRequired("Choose a reason.")],
        choices=[SelectChoice("", "Choose a reason"), *_choices(REASONS_TO_LIFT)],
    )
