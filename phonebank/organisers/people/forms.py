"""The form that invites a person, and the form that gives an account a role."""

from typing import Any

from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import RadioField, SelectField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from phonebank.accounts.accounts import NAME_AT_MOST
from phonebank.accounts.roles import EVERYWHERE, Scope, parse_scope
from phonebank.core.db import db
from phonebank.core.email_field import NormalEmailField
from phonebank.models import Campaign, Chapter, RoleName

ROLE_CHOICES = (
    SelectChoice(RoleName.HOST, "Host: runs parties for a campaign and sees totals"),
    SelectChoice(
        RoleName.VIEWER, "Viewer: sees figures, never a name or number, and changes nothing"
    ),
    SelectChoice(RoleName.ORGANISER, "Organiser: manages campaigns and lists, and sees people"),
)


class RoleForm(FlaskForm):
    """The form that gives an account a role. The organiser also chooses where the account has the
    role."""

    role = RadioField("What they can do", choices=ROLE_CHOICES, default=RoleName.HOST)
    where = SelectField(
        "Where",
        description="A chapter means all its campaigns, including later ones. A host needs one "
        "campaign.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        campaigns = select(Campaign.id, Campaign.name).order_by(Campaign.id.desc())
        chapters = select(Chapter.id, Chapter.name).order_by(Chapter.name)
        # The browser preselects the first choice. So a campaign comes first, because a role in one
        # campaign gives the fewest rights.
        self.where.choices = [
            *(
                SelectChoice(str(Scope(campaign_id=row.id)), f"Campaign: {row.name}")
                for row in db.session.execute(campaigns)
            ),
            *(
                SelectChoice(str(Scope(chapter_id=row.id)), f"Chapter: {row.name}")
                for row in db.session.execute(chapters)
            ),
            SelectChoice(str(EVERYWHERE), "Everywhere"),
        ]

    @property
    def scope(self) -> Scope:
        """The chosen scope, which says where the account has the role. The form must be valid."""
        return parse_scope(self.where.data or "")

    def validate_where(self, field: SelectField) -> None:
        """Refuse the role of host unless a campaign is chosen."""
        if self.role.data == RoleName.HOST and not (field.data or "").startswith("campaign-"):
            raise ValidationError("A host needs a campaign. Choose one.")


class InviteForm(RoleForm):
    """The form that invites a person. It asks for the person's name, e-mail address and role, and
    for where the person has the role."""

    name = StringField(
        "Name",
        validators=[
            DataRequired("Type a name."),
            Length(max=NAME_AT_MOST, message="Use up to %(max)d characters."),
        ],
    )
    email = NormalEmailField("E-mail address", if_empty="Type their e-mail address.")
