"""The parts that every page is built from: what they say, to eyes and to screen readers."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask, render_template, render_template_string
from flask_wtf import FlaskForm
from wtforms import BooleanField, IntegerField, RadioField, StringField
from wtforms.validators import DataRequired, Optional

from phonebank.core import assets

PACKAGE = Path(__file__).resolve().parents[2] / "phonebank"


class CampaignForm(FlaskForm):
    name = StringField("Name", [DataRequired("Give it a name.")], description="Callers see this.")
    hours = RadioField(
        "Hours", [DataRequired("Choose.")], choices=[("law", "Lawful"), ("own", "Own")]
    )
    goal = IntegerField("Goal", [Optional()])
    lawful = BooleanField("We may ring them", [DataRequired("Say that you may.")])


class Page(HTMLParser):
    """Every element of a page as (tag, attributes)."""

    def __init__(self, html):
        super().__init__()
        self.elements = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def with_id(self, name):
        (found,) = [element for element in self.elements if element[1].get("id") == name]
        return found

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def app():
    app = Flask("phonebank", root_path=str(PACKAGE))
    app.config.update(SECRET_KEY="test", WTF_CSRF_ENABLED=False)
    assets.init_app(app)
    return app


@pytest.fixture
def show(app):
    def show(template, **context):
        with app.test_request_context():
            return render_template_string('{% import "_macros.html" as ui %}' + template, **context)

    return show


@pytest.fixture
def refused_form(app):
    with app.test_request_context(method="POST"):
        form = CampaignForm()
        assert not form.validate()
        yield form


def test_a_field_is_tied_to_its_label_hint_and_error(refused_form):
    page = Page(
        render_template_string(
            '{% import "_macros.html" as ui %}{{ ui.field(form.name) }}', form=refused_form
        )
    )
    (label,), (box,) = page.all("label"), page.all("input")
    assert label["for"] == box["id"] == "name"
    assert box["aria-invalid"] == "true"
    for described_by in box["aria-describedby"].split():
        page.with_id(described_by)
    assert box["aria-describedby"] == "name-hint name-error"


def test_choices_are_a_group_with_a_legend_and_its_error(refused_form):
    html = render_template_string(
        '{% import "_macros.html" as ui %}{{ ui.field(form.hours) }}', form=refused_form
    )
    (group,) = Page(html).all("fieldset")
    assert "<legend>Hours</legend>" in html
    assert group["aria-describedby"] == "hours-error"


def test_every_line_of_the_error_summary_leads_to_a_control(refused_form):
    page = Page(
        render_template_string(
            """{% import "_macros.html" as ui %}{{ ui.error_summary(form) }}
            {% for form_field in form %}{{ ui.field(form_field) }}{% endfor %}""",
            form=refused_form,
        )
    )
    targets = [link["href"].removeprefix("#") for link in page.all("a")]
    assert len(targets) == 3
    for target in targets:
        assert page.with_id(target)[0] == "input"


def test_a_good_form_has_no_summary_and_optional_fields_say_so(app, show):
    with app.test_request_context():
        form = CampaignForm()
        assert show("{{ ui.error_summary(form) }}", form=form).strip() == ""
        assert "(optional)" in show("{{ ui.field(form.goal) }}", form=form)
        assert "(optional)" not in show("{{ ui.field(form.name) }}", form=form)


@pytest.mark.parametrize(
    "template",
    [
        "{{ ui.answered(text, text) }}",
        "{{ ui.badge('open', text) }}",
        "{{ ui.copy_line(text) }}",
        "{{ ui.data_table(text, [text], [[text]]) }}",
        "{{ ui.dial('+442079460018', text) }}",
        "{{ ui.feed([text]) }}",
        "{{ ui.leaderboard([(1, text, 2)]) }}",
        "{{ ui.page_header(text, lead=text) }}",
        "{{ ui.bars([(text, 1)], text) }}",
        "{{ ui.toast(text, '/undo') }}",
        "{% call ui.side_card(text) %}{{ text }}{% endcall %}",
    ],
)
def test_what_people_typed_is_shown_and_never_becomes_a_tag(show, template):
    html = show(template, text="<script>Sam & co</script>")
    assert "<script" not in html
    assert "&lt;script&gt;Sam &amp; co" in html


@pytest.mark.parametrize(
    ("value", "goal", "filled"), [(0, 150, 0), (75, 150, 50), (151, 150, 100), (3, 0, 0)]
)
def test_the_thermometer_fills_up_to_its_goal(show, value, goal, filled):
    html = show("{{ ui.thermometer(value, goal) }}", value=value, goal=goal)
    (fill,) = [path for path in Page(html).all("path") if "data-fill" in path]
    assert float(fill["stroke-dasharray"].split()[0]) == filled
    assert f'aria-label="{value} of {goal} conversations"' in html


def test_bars_are_measured_against_the_largest_and_read_as_text(show):
    html = show("{{ ui.bars(rows, 'Outcomes') }}", rows=[("No answer", 1200, "75%"), ("Busy", 300)])
    assert re.search(r"No answer</span>\s*<span[^>]*>1,200 ", html)
    widths = [rect["width"] for rect in Page(html).all("rect") if rect["class"] == "bar-fill"]
    assert widths == ["100.0%", "25.0%"]
    assert show("{{ ui.bars([('Busy', 0)], 'Outcomes') }}").count("bar-fill") == 0


def test_a_code_is_spelled_out_for_those_who_hear_it(show):
    assert '<span class="visually-hidden">K 7 M 4 Q P</span>' in show("{{ ui.code('K7M4QP') }}")


def test_a_number_can_be_called_except_in_practice(show):
    assert 'href="tel:+442079460018"' in show("{{ ui.dial('+442079460018', '020 7946 0018') }}")
    assert "tel:" not in show("{{ ui.dial('+442079460018', practice=True) }}")


def test_a_scale_has_eleven_buttons_and_shows_the_chosen_one(show):
    buttons = Page(show("{{ ui.scale('How likely?', chosen=7) }}")).all("button")
    assert [button["value"] for button in buttons] == [str(number) for number in range(11)]
    assert [button["value"] for button in buttons if "aria-pressed" in button] == ["7"]


def test_a_table_that_stacks_keeps_its_meaning(show):
    page = Page(
        show("{{ ui.data_table('Lists', ['List', 'People'], [['a.csv', 5]], numeric=[1]) }}")
    )
    (cell,) = page.all("td")
    assert cell == {"role": "cell", "data-label": "People", "class": "number"}
    assert {attributes["role"] for tag, attributes in page.elements if tag == "tr"} == {"row"}


def test_a_phone_shows_no_empty_cell_of_a_table_and_keeps_a_cell_together(show):
    table = show("{{ ui.data_table('People', ['Name', 'ID', 'Note'], [['Ada', '–', '']]) }}")
    assert [cell["class"].strip() for cell in Page(table).all("td")] == ["blank", "blank"]
    two = show("{{ ui.data_table('Calls', ['At', 'Answer'], [['9:00', 'Yes<br>No' | safe]]) }}")
    assert '<div class="cell">Yes<br>No</div>' in two


def test_an_error_page_says_what_is_wrong_and_the_way_on(app):
    with app.test_request_context():
        page = render_template(
            "error.html",
            status=410,
            title="This party is over",
            message="It ended at 21:00.",
            what_to_do="Ask your host for the next one.",
            link={"url": "/join", "label": "Enter another code"},
        )
        plain = render_template(
            "error.html", status=404, title="Not found", message="Nothing here.", what_to_do=""
        )
    for words in ("This party is over", "It ended at 21:00.", "Ask your host", "410"):
        assert words in page
    assert '<a class="button" href="/join">Enter another code</a>' in page
    assert '<a class="button" href="/">Go to the start page</a>' in plain


@pytest.mark.parametrize("layout", ["base.html", "caller_base.html", "board_base.html"])
def test_a_layout_loads_libraries_by_their_sums_and_has_one_main(app, layout):
    with app.test_request_context():
        html = render_template(layout)
    page = Page(html)
    for link in page.all("link") + page.all("script"):
        address = link.get("href") or link["src"]
        assert address.startswith("/static/")
        assert ("/vendor/" in address) == ("integrity" in link)
    assert len(page.all("main")) == 1
    assert page.all("html")[0]["lang"] == "en-GB"
