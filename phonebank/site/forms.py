"""The forms of the sign-in and people pages."""

from flask_security.forms import TwoFactorVerifyCodeForm
from flask_security.recovery_codes import MfRecoveryForm
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from phonebank.accounts import accounts
from phonebank.core.email_field import NormalEmailField
from phonebank.models import RoleName

ROLE_WORDS = (
    SelectChoice(RoleName.HOST, "Host: runs parties and sees totals"),
    SelectChoice(RoleName.ORGANISER, "Organiser: manages campaigns, lists and people"),
)


class SignInForm(FlaskForm):
    email = NormalEmailField("E-mail address")
    next = HiddenField()


class NameForm(FlaskForm):
    name = StringField(
        "Your name",
        description="The name that the people you work with see.",
        validators=[
            DataRequired("Type a name."),
            Length(max=accounts.NAME_AT_MOST, message="Use up to %(max)d characters."),
        ],
    )


class RoleForm(FlaskForm):
    role = RadioField("What they can do", choices=ROLE_WORDS)


class InviteForm(FlaskForm):
    name = StringField(
        "Name",
        validators=[
            DataRequired("Type a name."),
            Length(max=accounts.NAME_AT_MOST, message="Use up to %(max)d characters."),
        ],
    )
    email = NormalEmailField("E-mail address")
    role = RadioField("What they can do", choices=ROLE_WORDS, default=RoleName.HOST)
    # Choices are set by the page.
    campaign = SelectField("Campaign they host for", coerce=int)


class CodeForm(TwoFactorVerifyCodeForm):
    """Flask-Security's form for the code of an authenticator app, in our words."""

    code = StringField(
        "Code from your authenticator app",
        description="Six digits. The app shows a new code every 30 seconds.",
        validators=[DataRequired("Type the six digits that your app shows.")],
    )


class RecoveryCodeForm(MfRecoveryForm):
    """Flask-Security's form for a recovery code, in our words."""

    code = StringField(
        "Recovery code",
        description="Three groups of four, such as 12ab-34cd-56ef. Each code works once.",
        validators=[DataRequired("Type one of your recovery codes.")],
        filters=[lambda code: (code or "").strip().lower()],
    )
