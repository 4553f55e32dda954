"""The state of the script editor: a script, its YAML, and its diagnostics (errors and warnings).
The diagnostics are grouped by the part of the script that they are about. Pure functions."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from phonebank.scripts.cleanup import drop_empty, resolve_next_below
from scripts_library.diagnostics import Diagnostic
from scripts_library.parser import parse_leniently
from scripts_library.script import Script
from scripts_library.serializer import serialize


@dataclass
class DiagnosticsByBlock:
    """Diagnostics grouped by the block they are about: a step, a card, or an invented person for
    practice calls.

    The keys of `of_characters` are indexes into the script's list of invented people, counted from
    0. `of_script` holds the diagnostics that are not about a block.
    """

    of_script: list[Diagnostic] = field(default_factory=list)
    of_steps: dict[str, list[Diagnostic]] = field(default_factory=dict)
    of_cards: dict[str, list[Diagnostic]] = field(default_factory=dict)
    of_characters: dict[int, list[Diagnostic]] = field(default_factory=dict)

    @property
    def errors(self) -> int:
        """The number of errors, including those that are not about a block."""
        return self._count("error")

    @property
    def warnings(self) -> int:
        """The number of warnings, including those that are not about a block."""
        return self._count("warning")

    def _count(self, severity: str) -> int:
        groups = [
            self.of_script,
            *self.of_steps.values(),
            *self.of_cards.values(),
            *self.of_characters.values(),
        ]
        return sum(diagnostic.severity == severity for group in groups for diagnostic in group)


@dataclass(frozen=True)
class EditorState:
    """The script in the editor, as the form shows it.

    `source` is the YAML that the draft stores. `parsed` is the script parsed from this YAML, or
    None if no step of the script can be read. `script` may have empty rows, which are not in
    `source`.
    """

    script: Script
    source: str
    parsed: Script | None
    diagnostics: DiagnosticsByBlock


def editor_state_of(script: Script) -> EditorState:
    """Return the editor's state for a script from the form.

    The script may still have empty rows, and a step's `next` may still mean "the step below".
    """
    script = resolve_next_below(script)
    source = serialize(drop_empty(script))
    parsed, found = parse_leniently(source)
    return EditorState(script, source, parsed, group_by_block(found, parsed))


def group_by_block(found: Iterable[Diagnostic], script: Script | None) -> DiagnosticsByBlock:
    """Group diagnostics by the block (step, card or invented person) that they are about. A
    diagnostic about no block belongs to the script as a whole.

    A diagnostic about a step has the step's id. A diagnostic without a step id belongs to the last
    card or invented person that begins at or above the diagnostic's line, if there is one. But if
    the diagnostic names the setting `practice`, and its line is above the first invented person, it
    belongs to the script. `found` and `script` are what the parser returned for the same source.
    """
    diagnostics = DiagnosticsByBlock()
    cards, people = (script.cards, script.practice) if script else ((), ())
    first_card = cards[0].line if cards else 10**9
    first_person = people[0].line if people else 10**9
    for diagnostic in found:
        if diagnostic.step_id is not None:
            diagnostics.of_steps.setdefault(diagnostic.step_id, []).append(diagnostic)
        elif diagnostic.line >= first_person:
            number = sum(one.line <= diagnostic.line for one in people) - 1
            diagnostics.of_characters.setdefault(number, []).append(diagnostic)
        elif diagnostic.line >= first_card and "practice" not in diagnostic.message.split("`"):
            card = [card for card in cards if card.line <= diagnostic.line][-1]
            diagnostics.of_cards.setdefault(card.id, []).append(diagnostic)
        else:
            diagnostics.of_script.append(diagnostic)
    return diagnostics
