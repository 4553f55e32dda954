"""The form with which an organiser asks for a file to download."""

from datetime import UTC, datetime

from flask_wtf import FlaskForm
from wtforms import DateField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional, ValidationError

from phonebank.models import ExportKind, now

KINDS = {
    ExportKind.CALLS: "Calls and answers",
    ExportKind.PEOPLE: "People and their status",
    ExportKind.CANVASS: "Results for VAN",
    ExportKind.INBOX: "Inbox: answers that need action",
}


class AskForm(FlaskForm):
    """The form with which an organiser asks for a file to download. The organiser chooses the kind
    of file. If the organiser also chooses a day, the file has only what has changed since the start
    of that day in UTC."""

    kind = SelectField(
        "What should the file contain?",
        choices=[SelectChoice(key, label) for key, label in KINDS.items()],
    )
    since = DateField(
        "Only what has changed since this day",
        description="Leave this empty for everything. The day begins at midnight UTC. If you "
        "choose a day, the file of people has only those who were added, called or put on the "
        "do-not-call list since then.",
        validators=[Optional()],
    )

    def validate_since(self, field: DateField) -> None:
        """Refuse a day that is later than today's date in UTC."""
        if field.data and field.data > now().date():
            raise ValidationError("That day is in the future. Choose today or an earlier day.")

    @property
    def since_moment(self) -> datetime | None:
        """The start of the chosen day in UTC, or None if the organiser wants everything."""
        day = self.since.data
        return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None
