"""The form that looks up people by number, and the form that erases a person's data."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, IntegerField, StringField
from wtforms.validators import InputRequired, Length


class NumberForm(FlaskForm):
    """The form that looks up people by their phone number."""

    number = StringField(
        "Phone number",
        [InputRequired("Type a number."), Length(max=120)],
        description="Any format works: 020 7946 0123, +44 20 7946 0123.",
    )


class EraseForm(FlaskForm):
    """The form that erases a person's data. `contact_id` is the id of a `Contact`, a row that
    stores the person for one campaign. The download of a person's data uses this form too, but
    reads only `contact_id`."""

    contact_id = IntegerField(validators=[InputRequired()])
    never_again = BooleanField("Nobody will call their numbers again, not even from a later list")
    # The button that also ends a call sends this field. The page shows that button, with the
    # caller's name, if the person is on a caller's screen.
    ends_calls = HiddenField()
