"""What the editor's page shows: a script, and each diagnostic beside the block it is about.
Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from phonebank.scripts.edit_actions import drop_empty, resolve_next_below
from scripts_library.checks import talking_seconds
from scripts_library.diagnostics import Diagnostic
from scripts_library.parser import parse_leniently
from scripts_library.script import Script
from scripts_library.serializer import serialize


@dataclass
class DiagnosticsByBlock:
    """DiagnosticsByBlock by the block they are about."""

    of_script: list[Diagnostic] = field(default_factory=list)
    of_steps: dict[str, list[Diagnostic]] = field(default_factory=dict)
    of_cards: dict[str, list[Diagnostic]] = field(default_factory=dict)
    of_characters: dict[int, list[Diagnostic]] = field(default_factory=dict)

    @property
    def errors(self) -> int:
        return self._count("error")

    @property
    def warnings(self) -> int:
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
    """`script` as it is shown, `source` as it is kept; `reads` is what the source reads back as."""

    script: Script
    source: str
    reads: Script | None
    diagnostics: DiagnosticsByBlock

    @property
    def seconds(self) -> tuple[int, int] | None:
        """How long the caller talks at least and at most; None for a script with errors."""
        if self.reads is None or self.diagnostics.errors:
            return None
        return talking_seconds(self.reads)


def editor_state_of(script: Script) -> EditorState:
    """The sheet of a script that may still hold empty rows and ways to "the step below"."""
    script = resolve_next_below(script)
    source = serialize(drop_empty(script))
    reads, found = parse_leniently(source)
    return EditorState(script, source, reads, group_by_block(found, reads))


def group_by_block(found: Iterable[Diagnostic], script: Script | None) -> DiagnosticsByBlock:
    """Each diagnostic by its step; failing that by the card or the invented person on its line;
    else with the whole script. `script` is what was read from the source that the diagnostics are
    of."""
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
