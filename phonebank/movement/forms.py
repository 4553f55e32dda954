"""The forms that volunteers and strangers fill in."""

from flask_wtf import FlaskForm
from wtforms import DateField, RadioField, StringField, TimeField
from wtforms.validators import DataRequired, InputRequired

from phonebank.core.email_field import NormalEmailField


class EmailForm(FlaskForm):
    """The form with which a volunteer asks for a link to their own page."""

    email = NormalEmailField("E-mail address")


class OfferForm(FlaskForm):
    """The form with which a stranger offers to host a party. If several campaigns accept offers
    near the place, the form also asks which of them the party is for."""

    first_name = StringField("Your first name", [DataRequired("Type your first name.")])
    email = NormalEmailField("E-mail address")
    day = DateField("Day", [InputRequired("Choose a day.")])
    at = TimeField("Time", [InputRequired("Choose a time.")], format=["%H:%M", "%H:%M:%S"])
    campaign = RadioField("For whom?", coerce=int, validators=[InputRequired("Choose a campaign.")])
