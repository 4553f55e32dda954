"""The page on which an organiser chooses whether callers use their own phones or a telephone
service."""

from typing import Any

from flask import Blueprint, Flask, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from wtforms import (
    BooleanField,
    DecimalField,
    IntegerField,
    RadioField,
    StringField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, NumberRange, Optional

from phonebank.audit.record import record_audit
from phonebank.contact_queue.campaign_hours import first_zone_of
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.edit_form import EditForm
from phonebank.core.scopes import campaign_for
from phonebank.models import Campaign, CampaignMode, PhoneSettings, RoleName, now
from phonebank.organisers.responses import commit_and_redirect
from phonebank.phones.e164 import InvalidPhoneNumberError, format_for_reading, read_number
from phonebank.rules.time_zones import city_of
from phonebank.telephony.backends import current_backend
from phonebank.telephony.spending import spending_of

telephone = Blueprint("telephone", __name__, url_prefix="/campaigns/<int:campaign_id>/telephone")

MODES: dict[CampaignMode, tuple[str, str]] = {
    CampaignMode.MANUAL: (
        "On their own phones",
        "Callers see each number and dial it. The people who are called see the caller's "
        "number, unless the caller hides it.",
    ),
    CampaignMode.PHONE_BRIDGE: (
        "Through us, one tap for each person",
        "Callers connect once, on their own phone or, if this server offers it, in their browser. "
        "They see who each person is, then tap Call. Neither the caller nor the "
        "person sees the other's number.",
    ),
    CampaignMode.PROGRESSIVE: (
        "Through us, the next person as soon as the caller is ready",
        "We call the next person automatically, one for each caller who is ready. Callers see who "
        "it is when somebody picks up.",
    ),
    CampaignMode.PREDICTIVE: (
        "Through us, several people at once",
        "For short calls with five or more callers. We call more people than there are ready "
        "callers, so callers wait less. Now and then a person picks up and nobody is free: they "
        "hear a message, and we don't call them again for 72 hours. Until 50 calls have been "
        "answered that day, this way works like the one above.",
    ),
}


def init_app(app: Flask) -> None:
    """Add the page."""
    app.register_blueprint(telephone)


class TelephoneForm(EditForm):
    """The form in which an organiser chooses how callers reach people: on their own phones, or
    through a telephone service."""

    mode = RadioField("How do callers reach people?", coerce=CampaignMode)
    shown_number = StringField(
        "The number that people see",
        description="A number of the campaign, where somebody answers or a message says who "
        "called. Your telephone service must have confirmed that the number is yours. You can't "
        "hide the number.",
    )
    law_confirmed = BooleanField(
        "We have read the law on calling several people at once, and may do it",
        description="Phonebank keeps to a limit: of the people who answer in a day, at most 3% "
        "may find nobody free. Within two seconds, each of those people hears who called. A phone "
        "rings for at least 15 seconds. These figures come from Ofcom, which watches over calls in "
        "the United Kingdom. In the United States and in Germany the law asks for more, often for "
        "each person's consent: ask a lawyer.",
    )
    ring_seconds = IntegerField(
        "How long a phone rings, in seconds",
        [
            InputRequired("Enter a number of seconds."),
            NumberRange(15, 60, "Enter 15 to 60 seconds. Ofcom asks for at least 15."),
        ],
    )
    day_budget = DecimalField(
        "The most that calls may cost in a day",
        [Optional(), NumberRange(0.01, 99_999, "Enter an amount of 0.01 or more.")],
        description="In the currency of your telephone service. When this much is spent, we call "
        "nobody until midnight. Leave this empty for no limit.",
    )

    def __init__(self, campaign: Campaign, **values: Any) -> None:
        super().__init__(**values)
        self._campaign = campaign
        self.mode.choices = [SelectChoice(mode, label) for mode, (label, _) in MODES.items()]

    def validate_shown_number(self, field: StringField) -> None:
        """Convert the typed number to E.164. Raise ValidationError for a number that is not valid.
        Also raise ValidationError for an empty field, unless callers use their own phones."""
        typed = (field.data or "").strip()
        if not typed:
            if self.mode.data != CampaignMode.MANUAL:
                raise ValidationError("Enter the number that people see.")
            return
        try:
            campaign = self._campaign
            field.data = read_number(typed, campaign.country, campaign.allow_drama_numbers)
        except InvalidPhoneNumberError as refused:
            raise ValidationError(refused.message) from None

    def validate_law_confirmed(self, field: BooleanField) -> None:
        """Raise ValidationError for the mode that calls several people at once, unless the
        organiser confirms that the law allows such calls."""
        if self.mode.data == CampaignMode.PREDICTIVE and not field.data:
            raise ValidationError("Tick this first, or choose another way.")

    def validate_mode(self, field: RadioField) -> None:
        """If this server has no telephone service, raise ValidationError for every mode that needs
        one."""
        if field.data != CampaignMode.MANUAL and current_backend() is None:
            raise ValidationError("This server has no telephone service yet.")


@telephone.route("", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def edit(campaign_id: int) -> ResponseReturnValue:
    """Show how callers reach people, and what the campaign's calls have cost today. A POST saves
    the form, unless somebody else has changed the same settings since the page was opened."""
    campaign = campaign_for(current_user, campaign_id, to_change=request.method == "POST")
    settings = db.session.get(PhoneSettings, campaign.id) or PhoneSettings(
        campaign_id=campaign.id, shown_number="", ring_seconds=25
    )
    form = TelephoneForm(campaign, data=_values(campaign, settings))
    if form.validate_on_submit() and not form.is_overtaken():
        _change(campaign, settings, form)
        return commit_and_redirect(
            url_for(".edit", campaign_id=campaign.id),
            "Saved. The changes apply from the next call.",
        )
    if not form.is_submitted() and settings.shown_number:
        form.shown_number.data = format_for_reading(settings.shown_number, campaign.country)
    page = render_template(
        "telephone/form.html",
        form=form,
        campaign=campaign,
        modes=MODES,
        has_service=current_backend() is not None,
        spending=spending_of(campaign, settings.day_budget, now()),
        city=city_of(first_zone_of(campaign)),
    )
    return page, 422 if form.is_submitted() else 200


def _values(campaign: Campaign, settings: PhoneSettings) -> dict[str, Any]:
    return {
        "mode": campaign.mode,
        "shown_number": settings.shown_number,
        "law_confirmed": settings.law_confirmed_at is not None,
        "ring_seconds": settings.ring_seconds,
        "day_budget": settings.day_budget,
    }


def _change(campaign: Campaign, settings: PhoneSettings, form: TelephoneForm) -> None:
    before = _values(campaign, settings)
    campaign.mode = form.mode.data
    settings.shown_number = form.shown_number.data or ""
    if form.law_confirmed.data != before["law_confirmed"]:
        settings.law_confirmed_at = now() if form.law_confirmed.data else None
        settings.law_confirmed_by_id = current_user.id if form.law_confirmed.data else None
    settings.ring_seconds = form.ring_seconds.data
    settings.day_budget = form.day_budget.data
    db.session.add(settings)
    after = _values(campaign, settings)
    changed = [name for name in after if before[name] != after[name]]
    record_audit(
        "telephone changed",
        account=current_user,
        campaign=campaign,
        before={name: str(before[name]) for name in changed},
        after={name: str(after[name]) for name in changed},
    )
