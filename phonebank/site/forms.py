"""The forms for signing in, for the second factor and for a person's own account."""

from flask_security.forms import TwoFactorVerifyCodeForm
from flask_security.recovery_codes import MfRecoveryForm
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField
from wtforms.validators import DataRequired, Length

from phonebank.accounts.accounts import NAME_AT_MOST
from phonebank.core.email_field import NormalEmailField


class SignInForm(FlaskForm):
    """The form for the e-mail address to which a sign-in link is sent. `next` is the path that the
    link leads to."""

    email = NormalEmailField("E-mail address")
    next = HiddenField()


class NameForm(FlaskForm):
    name = StringField(
        "Your name",
        description="The name that the people you work with see.",
        validators=[
            DataRequired("Type a name."),
            Length(max=NAME_AT_MOST, message="Use up to %(max)d characters."),
        ],
    )


class CodeForm(TwoFactorVerifyCodeForm):
    """Flask-Security's form for an authenticator app's code, with Phonebank's labels."""

    code = StringField(
        "Code from your authenticator app",
        description="Six digits. The app shows a new code every 30 seconds.",
        validators=[DataRequired("Type the six digits that your app shows.")],
    )


class RecoveryCodeForm(MfRecoveryForm):
    """Flask-Security's form for a recovery code, with Phonebank's labels."""

    code = StringField(
        "Recovery code",
        description="Three groups of four, such as 12ab\u201134cd\u201156ef. Each code works once.",
        validators=[DataRequired("Type one of your recovery codes.")],
        filters=[lambda code: (code or "").strip().lower()],
    )
