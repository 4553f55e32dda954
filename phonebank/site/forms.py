"""The forms of the sign-in and people pages."""

from typing import Any

from flask_security.forms import TwoFactorVerifyCodeForm
from flask_security.recovery_codes import MfRecoveryForm
from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, ValidationError

from phonebank.accounts import services
from phonebank.core.errors import InvalidInputError
from phonebank.models import RoleName

ROLE_WORDS = (
    SelectChoice(RoleName.HOST, "Host: runs parties and sees totals"),
    SelectChoice(RoleName.ORGANISER, "Organiser: manages campaigns, lists and people"),
)


class _Email(EmailField):
    """An e-mail address, in the form it is stored in."""

    data: str | None

    def pre_validate(self, form: Any) -> None:
        try:
            self.data = services.normal_email(self.data or "")
        except InvalidInputError as fault:
            raise ValidationError(f"{fault.message} {fault.what_to_do}") from None


class SignInForm(FlaskForm):
    email = _Email("E-mail address")
    next = HiddenField()


class NameForm(FlaskForm):
    name = StringField(
        "Your name",
        description="The name that the people you work with see.",
        validators=[
            DataRequired("Type a name."),
            Length(max=services.NAME_AT_MOST, message="Use up to %(max)d characters."),
        ],
    )


class RoleForm(FlaskForm):
    role = RadioField("What they can do", choices=ROLE_WORDS)


class InviteForm(FlaskForm):
    name = StringField(
        "Name",
        validators=[
            DataRequired("Type a name."),
            Length(max=services.NAME_AT_MOST, message="Use up to %(max)d characters."),
        ],
    )
    email = _Email("E-mail address")
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
