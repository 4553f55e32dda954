"""Checks a script as a whole: its paths, branches, ratings, main question, marked answers, replies
in practice calls, and reading time."""

from collections.abc import Iterable, Iterator, Mapping

from scripts_library.diagnostics import Diagnostic
from scripts_library.graph import (
    check_graph,
    covered_answers,
    entry_step_ids,
    reachable_from,
    topological_order,
)
from scripts_library.merge_fields import fields_in, texts_of
from scripts_library.script import Script

# A slow, clear pace. Newsreaders and audiobook readers speak 140 to 160 words a minute.
WORDS_PER_MINUTE = 150
MAX_READING_SECONDS = 40


def check_script(script: Script, lines: Mapping[str, int]) -> Iterator[Diagnostic]:
    """Yield every error and warning about the script as a whole.

    `lines` maps the name of each top-level setting to its line number.
    """
    yield from check_graph(script)
    yield from _check_branches(script)
    yield from _check_ratings(script, lines)
    yield from _check_yes_and_main_question(script, lines)
    yield from _check_practice(script)
    yield from _check_reading_time(script)


def warnings_for_contacts(script: Script, missing: Mapping[str, int]) -> list[Diagnostic]:
    """Return warnings about the merge fields for which some contacts have no value. There is one
    warning for each place where the script uses such a field without a fallback.

    `missing` maps a field's name to the number of contacts that have no value for the field.
    """
    return [
        Diagnostic(
            line,
            step_id,
            f"{_describe_contacts(missing[found.name])} no {found.name}, and there is no fallback"
            " here.",
            "warning",
        )
        for line, step_id, words in texts_of(script)
        for found in fields_in(words)
        if found.fallback is None and missing.get(found.name)
    ]


def _describe_contacts(number: int) -> str:
    return "1 contact has" if number == 1 else f"{number:,} contacts have"


def reading_seconds(words: str) -> int:
    """Return about how many seconds it takes to say `words` aloud, as a whole number."""
    return round(len(words.split()) * 60 / WORDS_PER_MINUTE)


def talking_seconds(script: Script) -> tuple[int, int]:
    """Return how long the caller talks on the shortest and on the longest path through the script,
    in seconds.

    The script must have no errors.
    """
    spans: dict[str, tuple[int, int]] = {}
    for step in reversed(topological_order(script)):
        here = reading_seconds(step.words)
        after = [spans[target] for target in step.target_ids()] or [(0, 0)]
        shortest, longest = min(a for a, _ in after), max(b for _, b in after)
        spans[step.id] = (here + shortest, here + longest)
    starts = [spans[step_id] for step_id in entry_step_ids(script)]
    return min(a for a, _ in starts), max(b for _, b in starts)


def _check_branches(script: Script) -> Iterator[Diagnostic]:
    for branch in script.start:
        if branch.depends_on_answer:
            message = "There is no answer yet at the start of a call. Use a `field` instead."
            yield Diagnostic(branch.line, None, message)
    for step in script.steps:
        taken: dict[str | int, int] = {}
        for branch in step.branches:
            for key in branch.choices:
                if step.choice(key) is None:
                    yield Diagnostic(
                        branch.line, step.id, f"{key} is not one of this step's answers."
                    )
            if branch.low is not None and step.answer != "scale":
                yield Diagnostic(branch.line, step.id, "`scale` only works with answer: scale.")
            for value in covered_answers(branch, step) if branch.field is None else ():
                if value in taken:
                    message = (
                        f"An earlier branch (line {taken[value]}) already covers the answer"
                        f" {value}."
                    )
                    yield Diagnostic(branch.line, step.id, message, "warning")
                taken.setdefault(value, branch.line)


def _check_ratings(script: Script, lines: Mapping[str, int]) -> Iterator[Diagnostic]:
    first, second = script.first_rating, script.second_rating
    for setting, step_id in (("first_rating", first), ("second_rating", second)):
        if step_id and not (script.has_step(step_id) and script.step(step_id).answer == "scale"):
            message = f"`{setting}` names {step_id}, which is not a step with answer: scale."
            yield Diagnostic(lines.get(setting, 1), None, message)
    if not second:
        return
    line = lines.get("second_rating", 1)
    if not first:
        yield Diagnostic(line, None, "A second rating needs a `first_rating` to compare with.")
    elif first == second or second not in reachable_from(script, [first]):
        yield Diagnostic(line, None, f"The second rating ({second}) must come after {first}.")


def _check_yes_and_main_question(script: Script, lines: Mapping[str, int]) -> Iterator[Diagnostic]:
    main, line = script.main_question, lines.get("main_question", 1)
    if main and not script.has_step(main):
        yield Diagnostic(line, None, f"`main_question` names {main}, but there is no such step.")
    elif main and script.step(main).answer is None:
        yield Diagnostic(line, None, f"`main_question` names {main}, which takes no answer.")
    line = lines.get("yes", 1)
    if not any(script.yes.values()):
        yield Diagnostic(line, None, "No answer counts as a yes. Choose which ones do.", "warning")
    yield from _check_keys("yes", script.yes, script, line)
    line = lines.get("needs_action", 1)
    yield from _check_keys("needs_action", script.needs_action, script, line)
    yield from _check_keys("tags", script.tags, script, lines.get("tags", 1))


def _check_keys(
    setting: str, keys_by_step: Mapping[str, Iterable[str]], script: Script, line: int
) -> Iterator[Diagnostic]:
    for step_id, keys in keys_by_step.items():
        if not script.has_step(step_id):
            yield Diagnostic(line, None, f"`{setting}` names {step_id}, but there is no such step.")
            continue
        for key in keys:
            if script.step(step_id).choice(key) is None:
                message = f"`{setting}` names {key}, which is not an answer of {step_id}."
                yield Diagnostic(line, None, message)


def _check_practice(script: Script) -> Iterator[Diagnostic]:
    for character in script.practice:
        for step_id in character.replies:
            if not script.has_step(step_id):
                line = character.reply_lines.get(step_id, character.line)
                message = (
                    f"The {character.kind} character replies at {step_id}, which is not a step."
                )
                yield Diagnostic(line, None, message)


def _check_reading_time(script: Script) -> Iterator[Diagnostic]:
    for step in script.steps:
        seconds = reading_seconds(step.words)
        if seconds > MAX_READING_SECONDS:
            message = (
                f"Saying this takes about {seconds} seconds without a pause. Split it, so that the"
                " other person can speak."
            )
            yield Diagnostic(step.line, step.id, message, "warning")
