"""The forms for events that are not parties, and for area editors and trainers."""

from flask_wtf import FlaskForm
from wtforms import (
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired
from wtforms.widgets import TextInput

from phonebank.core.email_field import NormalEmailField
from phonebank.core.moment_field import MomentField
from phonebank.listings.listings import PLACES_AT_MOST, Details, Event
from phonebank.models import ListingKind, VolunteerRoleKind
from phonebank.places.find import one_place
from phonebank.rules.time_zones import time_zone

KINDS = (
    (ListingKind.TRAINING.value, "A training"),
    (ListingKind.CALL_OUT.value, "A call-out"),
    (ListingKind.CANVASSING.value, "Canvassing"),
)


class EventForm(FlaskForm):
    """The form for a training, a call-out (a meeting in a hall) or canvassing."""

    kind = RadioField("What kind of event is it?", choices=list(KINDS), default=KINDS[0][0])
    # The view sets the choices: the campaign's trainers.
    trainer = SelectField(
        "Trainer, for a training",
        coerce=int,
        default=0,
        description="The trainer sees who has finished a practice call, and marks them as trained. "
        "Name trainers on the page “Editors and trainers”.",
    )
    title = StringField("Title", [DataRequired("Type a title.")])
    starts_at = MomentField("When", [InputRequired("Choose a day and an hour.")])
    host_name = StringField(
        "First name of the person who meets people", [DataRequired("Type a first name.")]
    )
    place = StringField("Postcode or town", [DataRequired("Type the postcode or town.")])
    address = TextAreaField(
        "Address and how to find it",
        [DataRequired("Type where people meet.")],
        description="Guests get this by e-mail when they have confirmed their e-mail address and "
        "have a place.",
    )
    places = IntegerField(
        "Places", [InputRequired("Type how many people can come.")], widget=TextInput(), default=50
    )

    def event(self, zone: str) -> Event:
        """Return the event's title and start as the organiser typed them. `zone` is the name of the
        event's time zone."""
        return Event(self.title.data or "", self.starts_at.in_utc(time_zone(zone)), zone)

    def details(self, country: str) -> Details:
        """Return the place that the organiser typed, and the other details in the form. `country`
        is the campaign's country. Raises InvalidInputError if the typed postcode or town fits no
        place, or several places."""
        return Details(
            by_video=False,
            place=one_place(self.place.data or "", country),
            address=self.address.data or "",
            places=max(-1, min(self.places.data or 0, PLACES_AT_MOST + 1)),
            step_free=None,
            languages=(),
            host_name=self.host_name.data or "",
        )


class RoleForm(FlaskForm):
    """The form in which an organiser makes a person a trainer or an area editor. An area editor
    checks the events of an area. The view sets the choices of `km`, which is the area's radius."""

    kind = RadioField(
        "What will they do?",
        choices=[
            (VolunteerRoleKind.EDITOR.value, "Check the events of an area"),
            (VolunteerRoleKind.TRAINER.value, "Run trainings"),
        ],
        default=VolunteerRoleKind.EDITOR.value,
    )
    first_name = StringField("Their first name", [DataRequired("Type their first name.")])
    email = NormalEmailField("Their e-mail address", if_empty="Type their e-mail address.")
    place = StringField(
        "Postcode or town, for an editor",
        description="The middle of the editor's area. Leave this empty for a trainer.",
    )
    km = SelectField("How far the area reaches", coerce=int, default=30)
