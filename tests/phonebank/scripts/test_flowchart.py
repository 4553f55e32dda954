"""The flowchart of a script: everything is drawn once, nothing overlaps, errors are marked."""

import re
import time
from dataclasses import replace
from itertools import combinations
from typing import get_args

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from phonebank.scripts.cleanup import drop_empty
from phonebank.scripts.flowchart.drawing import draw_flowchart
from phonebank.scripts.flowchart.shapes import Flowchart
from phonebank.scripts.flowchart.text_metrics import text_width, wrap_text
from phonebank.scripts.transitions import describe_steps, transitions_of
from scripts_library.library import ready_made
from scripts_library.parser import parse, parse_leniently
from scripts_library.script import AnswerKind, Branch, Choice, Script, Step, StepKind
from scripts_library.serializer import serialize
from tests.phonebank.scripts.script_desk import Desk, opened
from tests.scripts_library.small_scripts import SMALL, changed

SMALL_SCRIPT = parse(SMALL, "test")


def with_steps(*steps: Step) -> Script:
    return replace(SMALL_SCRIPT, steps=steps, start=(), yes={}, first_rating=None)


def drawn(script: Script) -> Flowchart:
    picture = draw_flowchart(script)
    assert picture is not None
    return picture


def marks(script: Script) -> dict[str, list[str]]:
    return {box.step_id: box.marks for box in drawn(script).boxes if box.marks}


def said(script: Script) -> list[str]:
    return [label.whole for label in drawn(script).labels]


def check_drawing(script: Script) -> None:
    """Check what holds for the flowchart of any script without errors."""
    picture = drawn(script)
    check_places(picture)
    assert [box.step_id for box in picture.boxes] == [step.id for step in script.steps]
    led_to = {target for step in script.steps for target in step.target_ids()}
    led_to |= {branch.goto for branch in script.start} | {script.steps[0].id}
    assert {arrow.target for arrow in picture.arrows if arrow.target} == led_to
    assert {arrow.source for arrow in picture.arrows if arrow.source} == {
        step.id for step in script.steps if not step.is_end
    }
    assert not any(label.is_faulty for label in picture.labels)
    assert not any(box.marks for box in picture.boxes)


def check_places(picture: Flowchart) -> None:
    """Check that nothing overlaps, and that arrows begin and end at their boxes."""
    corners = [(b.x, b.y, b.x + b.width, b.y + b.height) for b in picture.boxes]
    corners += [
        (one.x - one.width / 2, one.y, one.x + one.width / 2, one.y + one.height)
        for one in picture.labels
    ]
    for left, top, right, bottom in corners:
        assert left >= 0
        assert top >= 0
        assert right <= picture.width
        assert bottom <= picture.height
    for one, other in combinations(corners, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)

    boxes = {box.step_id: box for box in picture.boxes}
    for arrow in picture.arrows:
        numbers = [float(number) for number in re.findall(r"[\d.]+", arrow.path)]
        if arrow.source:
            box = boxes[arrow.source]
            assert box.x <= numbers[0] <= box.x + box.width
            assert numbers[1] == pytest.approx(box.y + box.height, abs=0.2)
        if arrow.target:
            box = boxes[arrow.target]
            assert box.x <= numbers[-2] <= box.x + box.width
            assert box.y - 8 <= numbers[-1] <= box.y


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """Scripts in which every target comes later. Tests skip scripts that the checks refuse."""
    count = draw(st.integers(2, 12))
    ids = [f"s{number}" for number in range(count)]
    steps = []
    for at, step_id in enumerate(ids[:-1]):
        later = st.sampled_from(ids[at + 1 :])
        words = draw(
            st.text(st.characters(codec="utf-8", categories=["L", "N", "So"]), max_size=40)
        )
        step = Step(step_id, "question", f"T {words}", "Words.", answer="choice")
        labels = ["L " + draw(st.text("abc <&'", max_size=30)) for _ in range(3)]
        step = replace(
            step,
            choices=tuple(
                Choice(f"c{n}", label, draw(st.none() | later)) for n, label in enumerate(labels)
            ),
            branches=tuple(
                Branch(draw(later), field="town", equals="Leeds")
                for _ in range(draw(st.integers(0, 1)))
            ),
            next=draw(later),
        )
        steps.append(step)
    steps.append(Step(ids[-1], "close", "End", "Goodbye."))
    led_to = {target for step in steps for target in step.target_ids()}
    kept = [step for at, step in enumerate(steps) if at == 0 or step.id in led_to]
    start = tuple(
        Branch(draw(st.sampled_from([step.id for step in kept])), field="town", known=True)
        for _ in range(draw(st.integers(0, 2)))
    )
    return replace(with_steps(*kept), main_question=ids[0], start=start, practice=())


@given(scripts())
def test_a_script_without_errors_is_drawn_whole_and_nothing_overlaps(script: Script) -> None:
    parsed, diagnostics = parse_leniently(serialize(script))
    assume(
        parsed is not None and all(diagnostic.severity == "warning" for diagnostic in diagnostics)
    )
    assert parsed is not None
    check_drawing(parsed)


@pytest.mark.parametrize("script", ready_made(), ids=lambda s: f"{s.slug}.{s.language}")
def test_every_ready_made_script_is_drawn(script: Script) -> None:
    check_drawing(script)


def test_arrows_say_when_they_are_taken() -> None:
    script = parse(
        changed(
            "    branches:\n      - answer: [doors]\n        goto: shoes",
            "    branches:\n      - answer: [doors]\n        field: town\n        is: Leeds\n"
            "        goto: shoes",
        ),
        "test",
    )
    assert said(script) == [
        "0 to 3",
        "otherwise",
        "“Yes”",
        "“No”",
        "“Doors” and town is “Leeds”",
        "otherwise",
    ]


def test_answers_that_lead_to_the_same_step_share_an_arrow() -> None:
    choices = tuple(Choice(f"c{n}", f"Answer {n}", "end") for n in range(5))
    question = Step("q", "question", "Q", "Q?", answer="choice", choices=choices)
    script = with_steps(question, Step("end", "close", "End", "Bye."))
    assert said(script) == ["“Answer 0” or “Answer 1” or “Answer 2” or 2 more"]


def test_the_last_transition_is_called_otherwise_however_many_answers_take_it() -> None:
    labels = ("Yes", "A very long answer that no arrow has room for", "Perhaps", "Later", "No")
    ends = (Step("end", "close", "End", "Bye."), Step("other", "close", "Other", "Bye."))

    def asked(number: int) -> list[tuple[str, list[str]]]:
        choices = tuple(Choice(f"c{n}", labels[n], "end") for n in range(number))
        choices += (Choice("x", "Moved", "other"),)
        question = Step("q", "question", "Q", "Q?", answer="choice", choices=choices, next="end")
        return [(one.whole, one.lines) for one in drawn(with_steps(question, *ends)).labels]

    assert asked(1) == [("“Yes” or otherwise", ["“Yes” or otherwise"]), ("“Moved”", ["“Moved”"])]
    for number in (2, 3, 5):
        (whole, lines), _ = asked(number)
        assert whole.endswith(" or otherwise")
        assert lines == ["otherwise"]


@st.composite
def drafts(draw: st.DrawFn) -> Script:
    """Half-written scripts, as the editor has them: every kind of step and answer, dead ends,
    unreachable steps, targets above or missing, and settings that an earlier kind left."""
    ids = [f"s{number}" for number in range(draw(st.integers(1, 7)))]
    places = st.sampled_from([*ids, "nowhere", ""])
    keys = st.sampled_from(["yes", "no", "gone"])
    parts = st.tuples(st.integers(0, 10), st.integers(0, 10))
    on_fields = st.builds(Branch, places, field=st.just("town"), known=st.booleans())
    on_scales = st.builds(lambda goto, part: Branch(goto, low=part[0], high=part[1]), places, parts)
    on_answers = st.builds(Branch, places, choices=st.lists(keys, min_size=1).map(tuple))
    choices = st.tuples(
        st.builds(Choice, st.just("yes"), st.sampled_from(["Yes", ""]), st.none() | places),
        st.builds(Choice, st.just("no"), st.just("No"), st.none() | places),
    )
    steps = [
        Step(
            step_id,
            draw(st.sampled_from(get_args(StepKind))),
            "T",
            "W.",
            answer=draw(st.none() | st.sampled_from(get_args(AnswerKind))),
            choices=draw(st.just(()) | choices),
            branches=tuple(draw(st.lists(on_fields | on_scales | on_answers, max_size=2))),
            next=draw(st.none() | places),
        )
        for step_id in ids
    ]
    start = tuple(draw(st.lists(on_fields, max_size=1)))
    return replace(with_steps(*steps), main_question=ids[0], start=start, practice=())


@settings(max_examples=60)
@given(drafts())
@example(
    replace(
        with_steps(
            Step("hello", "close", "Hello", "W."),
            Step("stray", "say", "Stray", "W.", next="bye"),
            Step("upward", "say", "Upward", "W.", next="stray"),
            Step("bye", "close", "Goodbye", "W."),
        ),
        main_question="hello",
        practice=(),
    )
)
def test_a_half_written_script_can_be_drawn(script: Script) -> None:
    """Settings that do not fit a step's kind lead nowhere, as the draft drops them."""
    picture = drawn(script)
    check_places(picture)
    assert [box.step_id for box in picture.boxes] == [step.id for step in script.steps]
    kept = drop_empty(script).steps
    assert {arrow.source for arrow in picture.arrows if arrow.source} == {
        step.id for step in kept if step.target_ids()
    }
    there = {step.id for step in kept}
    led_to = {target for step in kept for target in step.target_ids()} & there
    led_to |= {branch.goto for branch in script.start} & there | {kept[0].id}
    assert {arrow.target for arrow in picture.arrows if arrow.target} <= led_to
    assert {box.step_id for box in picture.boxes if "Nothing leads here" in box.marks} == (
        there - led_to
    )
    for step, told in zip(kept, describe_steps(script), strict=True):
        assert [when for when, _ in told.leads_to] == [way.when for way in transitions_of(step)]
        assert told.is_end == step.is_end


def test_answers_of_a_kind_that_a_step_no_longer_has_lead_nowhere() -> None:
    choices = (Choice("yes", "Yes", "other"), Choice("no", "No"))
    was_asked = Step("q", "say", "Q", "Q.", answer="choice", choices=choices, next="end")
    end, other = Step("end", "close", "End", "Bye."), Step("other", "close", "Other", "Bye.")
    script = with_steps(was_asked, end, other)
    assert said(script) == []
    assert marks(script) == {"other": ["Nothing leads here"]}
    assert describe_steps(script)[0].leads_to == [("", "2. End")]


def test_faults_are_marked_where_they_are() -> None:
    assert marks(SMALL_SCRIPT) == {}
    alone, _ = parse_leniently(
        changed("branches:\n      - answer: [doors]\n        goto: shoes\n    next", "next")
    )
    assert alone is not None
    assert marks(alone) == {"shoes": ["Nothing leads here"]}
    stuck, _ = parse_leniently(
        changed("label: Phone", "label: Phone").replace("    next: goodbye\ncards", "cards")
    )
    assert stuck is not None
    dead, _ = parse_leniently(
        SMALL.replace("words: Bring good shoes.\n    next: goodbye", "words: Bring it.")
    )
    assert dead is not None
    assert marks(dead) == {"shoes": ["Dead end"]}
    gone, _ = parse_leniently(changed("        goto: details", "        goto: detials"))
    assert gone is not None
    assert "“Yes”, leads to detials, which does not exist" in said(gone)


def test_a_loop_is_said_where_it_turns_back() -> None:
    loop, _ = parse_leniently(
        changed("words: Bring good shoes.\n    next: goodbye", "words: No.\n    next: help")
    )
    assert loop is not None
    assert "back to step 3: a loop" in said(loop)
    itself, _ = parse_leniently(
        changed("words: Bring good shoes.\n    next: goodbye", "words: No.\n    next: shoes")
    )
    assert itself is not None
    assert "back to step 5: a loop" in said(itself)


def test_the_words_say_what_the_picture_shows() -> None:
    steps = {step.step_id: step for step in describe_steps(SMALL_SCRIPT)}
    assert steps["support"].leads_to == [("0 to 3", "6. Goodbye"), ("otherwise", "3. Help")]
    assert steps["goodbye"].is_end
    assert steps["goodbye"].leads_to == []


@pytest.mark.timing
def test_huge_scripts_are_drawn_or_declined_soon() -> None:
    end = Step("end", "close", "End", "Bye.")
    answers = tuple(Choice(f"c{n}", f"Answer {n}", f"e{n}") for n in range(200))
    ends = [Step(f"e{n}", "close", f"End {n}", "Bye.") for n in range(200)]
    fan = with_steps(Step("q", "question", "Q", "Q?", answer="choice", choices=answers), *ends)
    chain = with_steps(
        *(
            Step(f"s{n}", "say", f"S{n}", "W.", next=f"s{n + 1}" if n < 298 else "end")
            for n in range(299)
        ),
        end,
    )
    thicket = with_steps(
        *(
            replace(
                Step(f"s{n}", "question", "Q", "Q?", answer="choice"),
                choices=tuple(Choice(f"c{m}", "A", f"s{m}") for m in range(n + 1, 100)),
                next="end",
            )
            for n in range(100)
        ),
        end,
    )
    started = time.perf_counter()
    assert len(drawn(fan).boxes) == 201
    assert len(drawn(chain).boxes) == 300
    assert draw_flowchart(thicket) is None
    assert time.perf_counter() - started < 10, "seconds, on a busy machine; about half a second"


def test_long_words_are_cut_and_the_rest_kept_for_the_tip() -> None:
    title = "An unusually long title that no box could hold, however hard one tries to fit it in"
    box = drawn(with_steps(Step("s", "close", title, "W."))).boxes[0]
    assert len(box.title_lines) == 2
    assert box.title_lines[1].endswith("…")
    assert box.title == title


@pytest.mark.parametrize(
    "text",
    ["x" * 500, "投票" * 60, "🗳️" * 60, "שלום " * 40, "W" * 80, "a", "", "two words", "a " * 300],
)
@pytest.mark.parametrize("most", [1, 2, 3])
def test_cut_words_fit_their_room(text: str, most: int) -> None:
    lines = wrap_text(text, 150, 14, most)
    assert len(lines) <= most
    assert all(text_width(line, 14) <= 150 for line in lines)
    assert bool(lines) == bool(text.strip())


def test_words_are_inert_in_the_picture(desk: Desk) -> None:
    nasty = "\"><script>alert(1)</script> {{ caller_name }} onload='x'"
    form = opened(desk) | {"s0-title": nasty, "s0-c0-label": nasty, "s0-id": "opening"}
    checked = desk.client.post(desk.address("/edit/check"), data=form).text
    picture = checked.split('id="flow-drawn"')[1].split("</svg>")[0]
    assert "<script" not in picture
    assert "&lt;script&gt;" in picture
    assert "style=" not in picture
    assert "onload='" not in picture


def test_the_picture_follows_the_form(desk: Desk) -> None:
    form = opened(desk) | {"s0-title": "Is it her?", "s1-c0-goto": ""}
    checked = desk.client.post(desk.address("/edit/check"), data=form).text
    assert 'id="flow-drawn" hx-swap-oob="true"' in checked
    picture = checked.split('id="flow-drawn"')[1].split("</svg>")[0]
    assert "Is it her?" in picture
    assert "Dead end" in picture
    assert "Nothing leads here" in picture
    assert 'href="#step-opening"' in picture


def test_the_script_page_shows_the_picture_with_its_cards_apart(desk: Desk) -> None:
    page = desk.client.get(desk.address()).text
    assert page.count('class="flow-box') == 13
    for anchor in re.findall(r'href="#((?:step|card)-\w+)"', page):
        assert f'id="{anchor}"' in page
    assert re.search(r'id="flow-cards".*?href="#card-do_not_call"', page, re.S)
