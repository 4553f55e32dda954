"""The forms of volunteers and strangers."""

from flask_wtf import FlaskForm

from phonebank.core.email_field import NormalEmailField


class EmailForm(FlaskForm):
    """The form that asks for a link to a volunteer's page."""

    email = NormalEmailField("E-mail address")
