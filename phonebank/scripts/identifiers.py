"""Make identifiers for new steps, answers, cards and fields from their words. Pure functions.

A person who writes a script should not have to invent identifiers. But exports use the identifiers
as column names, so `how_will_they_vote` is better than `step_7`.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from scripts_library.merge_fields import render_text
from scripts_library.script import BUILT_IN_FIELDS, Branch, Choice, Script

# The prefix of a provisional id, which a block has until there are words to make an id from.
_PREFIX = "new_"
_PROVISIONAL = re.compile(rf"{_PREFIX}\d+")
_MAX_LENGTH = 40


def assign_ids(script: Script, used: Collection[str] = ()) -> Script:
    """If a new step, card or field has a title or description, give it an id made from this text.

    When a step's title changes, the id stays, because answers are stored under the id. For the same
    reason a new step never gets an id from `used`. The calling code passes the step ids of all
    published versions in `used`. Even a new step with the title of a published step gets an id of
    its own, because the new step may ask a different question.
    """
    taken = {step.id for step in script.steps} | set(used)
    names: dict[str, str] = {}
    for step in script.steps:
        if is_provisional(step.id) and step.title:
            names[step.id] = unique_id(step.title, taken)
            taken.add(names[step.id])
    script = rename_steps(script, names)
    cards_taken = {card.id for card in script.cards}
    cards = []
    for card in script.cards:
        if is_provisional(card.id) and card.title:
            card = replace(card, id=unique_id(card.title, cards_taken))
            cards_taken.add(card.id)
        cards.append(card)
    fields: dict[str, str] = {}
    for name, about in script.fields.items():
        if is_provisional(name) and about:
            name = unique_id(about, {*script.fields, *fields, *BUILT_IN_FIELDS})
        fields[name] = about
    return replace(script, cards=tuple(cards), fields=fields)


def provisional_id(taken: Iterable[str]) -> str:
    """Return an id that is not in `taken`. As soon as the step, card or field with this id has a
    title or description, `assign_ids` replaces the id with a better one."""
    used = set(taken)
    return next(name for n in range(1, 10**4) if (name := f"{_PREFIX}{n}") not in used)


def is_provisional(name: str) -> bool:
    """Whether an id is empty or provisional, so that `assign_ids` may replace it."""
    return not name or _PROVISIONAL.fullmatch(name) is not None


def unique_id(words: str, taken: Iterable[str]) -> str:
    """Make an id from words. The id has only lower-case letters, digits and `_`, and is not in
    `taken`."""
    plain = unicodedata.normalize("NFKD", render_text(words, {})).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", plain.lower().replace("'", "")).strip("_")
    name = name[: _MAX_LENGTH - 4].rstrip("_")
    if not name[:1].isalpha() or is_provisional(name):
        name = f"a_{name}".rstrip("_")
    used = set(taken)
    if name not in used:
        return name
    return next(free for n in range(2, 10**4) if (free := f"{name}_{n}") not in used)


def assign_choice_keys(choices: Iterable[Choice], used: Mapping[str, str]) -> tuple[Choice, ...]:
    """If an answer has a label but no key, give it a key made from the label. A key never changes.

    `used` has the keys of the step's answers in all published versions, and maps each key to its
    newest label. A new answer gets one of these keys only if the answer's label is the same as the
    key's label, and no other answer of the step has the key. The new answer then means the same as
    the earlier one, so totals count the two together.
    """
    choices = tuple(choices)
    offered = {choice.key for choice in choices}
    result = []
    for choice in choices:
        if not choice.key and choice.label:
            again = (key for key, label in used.items() if label.split() == choice.label.split())
            back = next((key for key in again if key not in offered), None)
            choice = replace(choice, key=back or unique_id(choice.label, {*offered, *used}))
            offered.add(choice.key)
        result.append(choice)
    return tuple(result)


def rename_steps(script: Script, names: Mapping[str, str]) -> Script:
    """Return the script with new ids for its steps, in the steps themselves and in every reference
    to them.

    `names` maps old ids to new ones.
    """

    def new(name: str) -> str:
        return names.get(name, name)

    def or_none(name: str | None) -> str | None:
        return new(name) if name else name

    def branches(of: Iterable[Branch]) -> tuple[Branch, ...]:
        return tuple(replace(branch, goto=new(branch.goto)) for branch in of)

    return replace(
        script,
        main_question=new(script.main_question),
        first_rating=or_none(script.first_rating),
        second_rating=or_none(script.second_rating),
        yes={new(step_id): keys for step_id, keys in script.yes.items()},
        needs_action={new(step_id): keys for step_id, keys in script.needs_action.items()},
        tags={new(step_id): tags for step_id, tags in script.tags.items()},
        start=branches(script.start),
        steps=tuple(
            replace(
                step,
                id=new(step.id),
                next=or_none(step.next),
                branches=branches(step.branches),
                choices=tuple(replace(c, goto=or_none(c.goto)) for c in step.choices),
            )
            for step in script.steps
        ),
        practice=tuple(
            replace(one, replies={new(k): v for k, v in one.replies.items()})
            for one in script.practice
        ),
    )
