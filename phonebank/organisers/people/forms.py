"""The forms that invite a person and change a person's role."""

from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from phonebank.accounts.accounts import NAME_AT_MOST
from phonebank.core.email_field import NormalEmailField
from phonebank.models import RoleName

ROLE_CHOICES = (
    SelectChoice(RoleName.HOST, "Host: runs parties and sees totals"),
    SelectChoice(RoleName.ORGANISER, "Organiser: manages campaigns, lists and people"),
)


class RoleForm(FlaskForm):
    role = RadioField("What they can do", choices=ROLE_CHOICES)


class InviteForm(FlaskForm):
    """The form that invites a person: name, e-mail address and role.

    The view fills in the choices of `campaign`.
    """

    name = StringField(
        "Name",
        validators=[
            DataRequired("Type a name."),
            Length(max=NAME_AT_MOST, message="Use up to %(max)d characters."),
        ],
    )
    email = NormalEmailField("E-mail address")
    role = RadioField("What they can do", choices=ROLE_CHOICES, default=RoleName.HOST)
    campaign = SelectField("Campaign they host for", coerce=int)
