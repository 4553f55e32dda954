"""The form that sets up a call-out: a meeting at which people pledge to host parties."""

from datetime import datetime
from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField, StringField, ValidationError
from wtforms.validators import Optional

from phonebank.core.errors import InvalidInputError
from phonebank.core.moment_field import MomentField
from phonebank.parties.display_names import NAME_AT_MOST, clean_name


class CallOutForm(FlaskForm):
    """The form for a new call-out (a meeting at which people pledge to host parties). An organiser
    can set up a call-out in a minute, because the title and the checkbox have defaults and the time
    may be empty."""

    title = StringField(
        "Title",
        default="Call-out",
        description=f"The screen in the hall shows this title. Up to {NAME_AT_MOST} characters.",
    )
    starts_at = MomentField(
        "When", [Optional()], description="If you leave this empty, the call-out starts now."
    )
    lets_host = BooleanField(
        "People who pledge become hosts",
        default=True,
        description="A host runs parties of this campaign and lets callers in. Hosts see totals, "
        "never the people who are called. If you don't tick this box, nobody becomes a host until "
        "you allow it on the call-out's page.",
    )

    def validate_title(self, field: StringField) -> None:
        """Remove extra spaces from the title. Refuse a title that is empty, is too long, or
        contains a character that `clean_name` refuses."""
        try:
            field.data = clean_name(field.data or "", "title")
        except InvalidInputError as fault:
            raise ValidationError(f"{fault.message} {fault.what_to_do}") from None

    @property
    def moment(self) -> datetime | None:
        """The chosen day and time, without a time zone. None means that the field is empty. The
        call-out then starts now."""
        chosen: Any = self.starts_at.data
        return chosen if isinstance(chosen, datetime) else None
