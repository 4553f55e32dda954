"""The forms for a campaign's name and other details, its data protection and its calling hours."""

from collections.abc import Sequence
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from phonebank.campaigns.data_protection import earliest_date_in, lawful_bases_for
from phonebank.core.edit_form import EditForm
from phonebank.models import Campaign, Chapter, ContactList, TrainingFor
from phonebank.rules.countries import countries, rules_for
from phonebank.rules.week_hours import DAY_NAMES, DAYS, WeekHours, WeekHoursError

# First come the languages of the ready-made scripts, then other languages of the countries that
# have rules.
LANGUAGES = (
    ("en", "English"),
    ("cy", "Welsh"),
    ("es", "Spanish"),
    ("de", "German"),
    ("fr", "French"),
    ("ga", "Irish"),
    ("pl", "Polish"),
    ("ur", "Urdu"),
    ("bn", "Bengali"),
    ("pa", "Punjabi"),
)


class CampaignForm(EditForm):
    """The form for a campaign's name and other details, such as its country and its goal."""

    name = StringField(
        "Name",
        [InputRequired("Give the campaign a name."), Length(max=120)],
        description="Callers and hosts see this name. Example: “Riverside council election”.",
    )
    on_behalf_of = StringField(
        "Who is calling?",
        [InputRequired("Enter the organisation you are calling for."), Length(max=200)],
        description="The organisation's full name. With a ready-made script, callers say it in "
        "every call. In the United Kingdom, the law requires that.",
    )
    chapter_id = SelectField(
        "Chapter",
        coerce=int,
        description="The chapter's organisers and viewers see this campaign.",
    )
    country = SelectField(
        "Country",
        [InputRequired("Choose the country of the people you will call.")],
        description="The country you choose sets how phone numbers are read and when people "
        "may be called.",
    )
    language = SelectField(
        "Language of the calls", choices=[SelectChoice(code, name) for code, name in LANGUAGES]
    )
    briefing = TextAreaField(
        "Message to callers",
        [Optional(), Length(max=4000)],
        description="Callers see this before their first call. Say why the campaign matters and "
        "whom they can ask for help. You can use Markdown.",
    )
    goal = IntegerField(
        "Goal",
        [Optional(), NumberRange(1, 100_000_000, "Enter a number from 1 to 100,000,000.")],
        description="How many conversations the campaign wants to have. Leave this empty for no "
        "goal.",
    )
    practice_first = BooleanField(
        "One practice call before the first real one",
        description="New callers make one practice call with a made-up person before their first "
        "real call. The practice call takes about three minutes. Callers who have already recorded "
        "a call in this campaign skip it.",
    )

    training_for = SelectField(
        "Who must be trained",
        choices=[
            SelectChoice(TrainingFor.NOBODY, "Nobody"),
            SelectChoice(TrainingFor.CALLERS, "Callers, before they can make real calls"),
            SelectChoice(TrainingFor.HOSTS, "Hosts, before strangers can find their parties"),
        ],
        default=TrainingFor.NOBODY,
        description="Hosts mark people as trained after a practice call. They do it on the page "
        "Training of their party.",
    )
    shows_earlier_call = BooleanField(
        "Callers see how far an earlier call got",
        description="After “Cut short”, “Call back” or “Not a good time”, the next caller sees "
        "that call's day, note and answers. The script goes on where that call stopped.",
        default=True,
    )

    def __init__(
        self,
        *args: Any,
        chapters: Sequence[Chapter] = (),
        may_be_without_chapter: bool = True,
        **kwargs: Any,
    ) -> None:
        """Make the form.

        `chapters` are the chapters (local groups) that the organiser of a new campaign can choose
        from. If `chapters` is empty, the form has no field for the chapter.
        `may_be_without_chapter` says whether the organiser can also choose no chapter.
        """
        super().__init__(*args, **kwargs)
        # No country is chosen at first, because with a wrong country every number of a list would
        # be refused.
        self.country.choices = [
            SelectChoice("", "Choose a country"),
            *(SelectChoice(code, rules_for(code).name) for code in countries()),
        ]
        if not chapters:
            del self.chapter_id
            return
        none = [SelectChoice(0, "No chapter")] if may_be_without_chapter else []
        self.chapter_id.choices = none + [SelectChoice(one.id, one.name) for one in chapters]

    def is_usable_for(self, campaign: Campaign, lists: Sequence[ContactList]) -> bool:
        """Whether the campaign may have the country that is chosen in the form. `lists` are the
        campaign's lists. If the country is refused, its field gets a message.

        The country cannot change once the campaign has lists. The country's rules have decided how
        the numbers in the lists were read. They also decide when people are called.
        """
        if self.country.data == campaign.country or not lists:
            return True
        self.country.errors = [
            "This campaign already has a list, so its country cannot change: the country sets when "
            "people may be called. For people in another country, set up another campaign."
        ]
        return False

    def values(self) -> dict[str, Any]:
        """Return the form's values. Each key is the name of a column of Campaign."""
        texts = {
            name: (self[name].data or "").strip()
            for name in ("name", "on_behalf_of", "country", "language", "briefing")
        }
        others = ("goal", "practice_first", "training_for", "shows_earlier_call")
        values = texts | {name: self[name].data for name in others}
        if self.chapter_id is not None:
            values["chapter_id"] = self.chapter_id.data or None
        return values


class DataProtectionForm(EditForm):
    """The form for a campaign's data protection: who is responsible, the legal ground, the
    campaign's last day, and how long the people's data is kept."""

    controller = StringField(
        "Who is responsible for the people's data?",
        [InputRequired("Enter who is responsible for the people's data."), Length(max=200)],
        description="The “controller”: the organisation that decides what is done with the data. "
        "Enter its full name, and how to reach it.",
    )
    lawful_basis = RadioField(
        "Legal ground for the calls",
        [InputRequired("Choose the legal ground for the calls.")],
        description="If you are not sure, ask the person who advises your organisation on data "
        "protection.",
    )
    lawful_basis_note = TextAreaField(
        "Why this ground applies",
        [Optional(), Length(max=2000)],
        description="Political opinions need a second condition in the EU and the UK (Article 9 "
        "of the GDPR). Write that condition here too. Don't name people.",
    )
    ends_on = DateField("The campaign's last day", [InputRequired("Enter the last day.")])
    retention_days = IntegerField(
        "Days to keep people's details after the last day",
        [
            InputRequired("Enter the number of days."),
            NumberRange(1, 3650, "Enter a number of days from 1 to 3650."),
        ],
    )

    def __init__(self, campaign: Campaign) -> None:
        self.today = earliest_date_in(campaign)
        stored = {
            name: getattr(campaign, name)
            for name in ("controller", "lawful_basis", "lawful_basis_note", "ends_on")
        }
        stored["controller"] = stored["controller"] or campaign.on_behalf_of
        days = campaign.retention_days
        stored["retention_days"] = days or rules_for(campaign.country).retention_days.value
        super().__init__(data=stored)
        self.lawful_basis.choices = [
            SelectChoice(key, words) for key, words in lawful_bases_for(campaign.country).items()
        ]

    def validate_ends_on(self, field: DateField) -> None:
        """Refuse a last day that is in the past, because a campaign cannot be started after its
        last day. If the stored last day is in the past, it may stay."""
        if field.data and field.data < self.today and field.data != field.object_data:
            raise ValidationError("This day has passed. Enter today or a later day.")


class HoursForm(EditForm):
    """The form for calling hours, with a start and an end for each day of the week.

    If both fields of a day are empty, there are no calls on that day.
    """

    def __init__(self, campaign: Campaign, *args: Any, **kwargs: Any) -> None:
        self.campaign = campaign
        super().__init__(*args, **kwargs)

    def hours(self) -> WeekHours:
        """Return the calling hours that were typed. Raises WeekHoursError if they are not valid, or
        if the country does not permit them."""
        return rules_for(self.campaign.country).parse_hours(
            {day: [t for t in (self[f"{day}_from"].data, self[f"{day}_to"].data) if t]
             for day in DAYS}
        )  # fmt: skip

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether all times are valid and the country permits them. A field with a wrong time gets
        a message."""
        if not super().validate(extra_validators):
            return False
        try:
            self.hours()
        except WeekHoursError as fault:
            for day, message in fault.faults.items():
                field = self[f"{day}_from"] if day in DAYS else self["mon_from"]
                field.errors = [*field.errors, message]
            return False
        return True


def _time_field(label: str) -> StringField:
    return StringField(label, [_is_a_time], render_kw={"type": "time"})


def _is_a_time(form: FlaskForm, field: StringField) -> None:
    hours, colon, minutes = (field.data or "").partition(":")
    if field.data and not (colon and hours.isdigit() and minutes.isdigit()):
        raise ValidationError("Write the time like this: 09:00.")


for _day, _name in zip(DAYS, DAY_NAMES, strict=True):
    setattr(HoursForm, f"{_day}_from", _time_field(f"{_name} from"))
    setattr(HoursForm, f"{_day}_to", _time_field(f"{_name} until"))


def hours_form(campaign: Campaign) -> HoursForm:
    """Return the form for calling hours, filled with the campaign's stored hours."""
    stored = rules_for(campaign.country).read_stored_hours(campaign.hours).to_json()
    data = {}
    for day, opening in stored.items():
        data[f"{day}_from"], data[f"{day}_to"] = opening or ("", "")
    return HoursForm(campaign, data=data)
