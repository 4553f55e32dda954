"""The form that a host fills in so that strangers can find a party."""

from flask_wtf import FlaskForm
from wtforms import (
    IntegerField,
    RadioField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired
from wtforms.widgets import CheckboxInput, ListWidget, TextInput

from phonebank.listings.listings import PLACES_AT_MOST, Details
from phonebank.models import Listing, Place
from phonebank.places.find import one_place
from phonebank.rules.languages import LANGUAGES

IN_PERSON, BY_VIDEO = "in_person", "by_video"
STEP_FREE = {"yes": True, "no": False, "unknown": None}


class ListingForm(FlaskForm):
    """The form that a host fills in so that strangers can find a party. Strangers see these
    details, except the street address. They see the street address only after the host has accepted
    them as guests."""

    way = RadioField(
        "How will people join?",
        choices=[(IN_PERSON, "In person"), (BY_VIDEO, "By video")],
        default=IN_PERSON,
        validators=[InputRequired("Choose how people will join.")],
    )
    host_name = StringField("Your first name", [DataRequired("Type your first name.")])
    place = StringField(
        "Postcode or town",
        [DataRequired("Type the postcode or town.")],
        description="The map shows the middle of this postcode district or town. We keep only "
        "the first half of a British or Canadian postcode.",
    )
    address = TextAreaField(
        "Address",
        description="Only your co-hosts and the guests you say yes to will see the address. We "
        "erase it a week after the party. Leave this empty if people join by video.",
    )
    places = IntegerField(
        "Places for guests",
        [InputRequired("Type how many guests there is room for.")],
        widget=TextInput(),
        default=12,
        description="About half of the people who say yes will come. So offer twice as many places "
        "as you have chairs.",
    )
    step_free = RadioField(
        "Can people come in without steps?",
        choices=[("yes", "Yes"), ("no", "No"), ("unknown", "I don't know")],
        default="unknown",
    )
    languages = SelectMultipleField(
        "Languages",
        choices=list(LANGUAGES.items()),
        default=["en"],
        description="In which languages can your guests talk with you? Choose up to five.",
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )

    def show(self, listing: Listing, address: str) -> None:
        """Fill the fields with the stored details of `listing`, and with `address`."""
        self.way.data = BY_VIDEO if listing.by_video else IN_PERSON
        self.host_name.data = listing.host_name
        # The field shows the area instead of the place's code, because a town's code may be a text
        # that nobody types, such as “newport-near-telford”.
        self.place.data = listing.area
        self.address.data = address
        self.places.data = listing.places
        self.step_free.data = next(k for k, v in STEP_FREE.items() if v is listing.step_free)
        self.languages.data = listing.languages

    def details(self, country: str, listing: Listing | None, stored: Place | None) -> Details:
        """Return the details as the host typed them. `country` is the campaign's country. `stored`
        is the place of the stored `listing`, or None. `stored` is used if the host left the place's
        name unchanged. If the typed name belongs to places in several countries, only the places in
        `country` count.

        Raises InvalidInputError if no place has the typed name, or if it is not clear which place
        the host means.
        """
        typed = self.place.data or ""
        place = stored if listing is not None and stored and typed == listing.area else None
        return Details(
            by_video=self.way.data == BY_VIDEO,
            place=place or one_place(typed, country),
            address=self.address.data or "",
            places=max(-1, min(self.places.data or 0, PLACES_AT_MOST + 1)),
            step_free=STEP_FREE.get(self.step_free.data or ""),
            languages=tuple(self.languages.data or ()),
            host_name=self.host_name.data or "",
        )
