"""The forms for a new API token and for a new webhook. Tokens and webhooks connect a campaign to
other software."""

from collections.abc import Collection
from typing import Any

from flask_wtf import FlaskForm
from wtforms import SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from phonebank.models import Scope, WebhookEvent
from phonebank.webhooks.addresses import LONGEST_URL

SCOPES = {
    Scope.READ_CONTACTS: "Read people, with their names and numbers",
    Scope.READ_OUTCOMES: "Read outcomes, with answers and notes",
    Scope.WRITE_CONTACTS: "Add and change people",
    Scope.ADD_DO_NOT_CALL: "Put numbers on the do-not-call list, for all campaigns",
}

EVENTS = {
    WebhookEvent.OUTCOME_RECORDED: "An outcome is recorded",
    WebhookEvent.DO_NOT_CALL_ADDED: "Someone is put on the do-not-call list",
    WebhookEvent.NEEDS_ACTION: "An answer needs action",
}


class TokenForm(FlaskForm):
    """The form for a new token."""

    name = StringField(
        "What is the token for?",
        [DataRequired("Say which software uses the token."), Length(max=80)],
        description="Example: “Our membership database”.",
        filters=[lambda text: (text or "").strip()],
    )
    scopes = SelectMultipleField(
        "What may the software do?",
        validators=[InputRequired("Choose at least one thing that the software may do.")],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )

    def offer(self, scopes: Collection[Scope]) -> None:
        """Let the organiser choose only from these scopes."""
        self.scopes.choices = [
            SelectChoice(str(scope), label) for scope, label in SCOPES.items() if scope in scopes
        ]

    def chosen(self) -> list[Scope]:
        """Return the chosen scopes."""
        data: Any = self.scopes.data
        return [Scope(value) for value in data]


class WebhookForm(FlaskForm):
    """The form for a new webhook."""

    url = StringField(
        "Address",
        [DataRequired("Type the address that your software gave you."), Length(max=LONGEST_URL)],
        description="The address must begin with https:// and be on the public internet.",
        filters=[lambda text: (text or "").strip()],
    )
    events = SelectMultipleField(
        "Send a message when",
        choices=[SelectChoice(str(event), label) for event, label in EVENTS.items()],
        validators=[InputRequired("Choose at least one event.")],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )

    def chosen(self) -> list[WebhookEvent]:
        """Return the chosen events."""
        data: Any = self.events.data
        return [WebhookEvent(value) for value in data]
