"""The forms of the page about other software."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from phonebank.models import Scope

SCOPES = {
    Scope.READ_CONTACTS: "Read people, with their names and numbers",
    Scope.READ_OUTCOMES: "Read outcomes, with answers and notes",
}


class TokenForm(FlaskForm):
    """The form for a new token."""

    name = StringField(
        "What is it for?",
        [DataRequired("Say which software uses the token."), Length(max=80)],
        description="Example: “Our membership database”.",
        filters=[lambda text: (text or "").strip()],
    )
    scopes = SelectMultipleField(
        "What may it do?",
        choices=[SelectChoice(str(scope), label) for scope, label in SCOPES.items()],
        validators=[InputRequired("Choose at least one.")],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )

    def chosen(self) -> list[Scope]:
        """Return the chosen scopes."""
        data: Any = self.scopes.data
        return [Scope(value) for value in data]
