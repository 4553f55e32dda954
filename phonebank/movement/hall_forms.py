"""The forms of a call-out (a meeting in a hall). On their phones, people in the hall fill in the
form for signing in and the form for a pledge. With the third form, somebody types in the lines of a
paper sheet, one at a time."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import DateField, HiddenField, IntegerField, StringField, TimeField, ValidationError
from wtforms.validators import InputRequired, NumberRange, Optional
from wtforms.widgets import TextInput

from phonebank.callouts.pledges import CHAIRS_AT_MOST


class CheckedField(StringField):
    """A text field whose text the view checks. If the text is wrong, the view puts a message into
    `refused`, and the field is then not valid."""

    refused = ""

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        if self.refused:
            raise ValidationError(self.refused)


class ChairsField(IntegerField):
    """A field for a number of chairs."""

    widget = TextInput()

    def process_formdata(self, valuelist: Any) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("Type the number of chairs in digits, such as 8.") from None


class SignUpForm(FlaskForm):
    """The form with which a person in the hall signs in. It asks for a first name, for an e-mail
    address or a phone number, and for a postcode or town. The view puts a new random id into
    `sign_up_id`. If the same form is sent twice, the id shows this."""

    sign_up_id = HiddenField()
    first_name = CheckedField("Your first name")
    reach = CheckedField("Your e-mail address or phone number")
    postcode = CheckedField(
        "Your postcode or town",
        description="We keep only the postcode district or town, to find parties near you.",
    )
    # The place that the person chose, if several places have the typed name.
    place = StringField()


class PledgeForm(FlaskForm):
    """The form for a pledge to host a party: the day, the time, the place and the number of
    chairs."""

    day = DateField("Day", [InputRequired("Choose a day.")])
    at = TimeField("Time", [InputRequired("Choose a time.")], format=["%H:%M", "%H:%M:%S"])
    postcode = StringField("Postcode or town of the party, if it isn't your own")
    place = StringField()
    chairs = ChairsField(
        "Chairs",
        [
            InputRequired("Type how many people can sit down."),
            NumberRange(1, CHAIRS_AT_MOST, "Choose from %(min)d to %(max)d chairs."),
        ],
        description="About half of those who say yes will come, so count generously.",
        default=8,
    )


class LineForm(FlaskForm):
    """The form for typing in one line of a paper sheet from the hall."""

    number = HiddenField()
    first_name = StringField("First name")
    reach = StringField("E-mail or number")
    postcode = StringField("Postcode")
    place = StringField()
    # A browser's date field has separate parts for the day, the month and the year. In a text
    # field, the same date needs fewer keystrokes.
    day = StringField("Date")
    at = StringField("Time")
    chairs = ChairsField("Chairs", [Optional()])
