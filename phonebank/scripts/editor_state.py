"""What the editor's page shows: a script, and each fault beside the block it is about. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from phonebank.scripts.edit_actions import settled, tidied
from scripts_library.checks import shortest_and_longest_seconds
from scripts_library.format import Fault, Script, read
from scripts_library.serializer import write


@dataclass
class Faults:
    """Faults by the block they are about."""

    of_script: list[Fault] = field(default_factory=list)
    of_steps: dict[str, list[Fault]] = field(default_factory=dict)
    of_cards: dict[str, list[Fault]] = field(default_factory=dict)
    of_characters: dict[int, list[Fault]] = field(default_factory=dict)

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
        return sum(fault.severity == severity for group in groups for fault in group)


@dataclass(frozen=True)
class Sheet:
    """`script` as it is shown, `source` as it is kept; `reads` is what the source reads back as."""

    script: Script
    source: str
    reads: Script | None
    faults: Faults

    @property
    def seconds(self) -> tuple[int, int] | None:
        """How long the caller talks at least and at most; None for a script with errors."""
        if self.reads is None or self.faults.errors:
            return None
        return shortest_and_longest_seconds(self.reads)


def sheet_of(script: Script) -> Sheet:
    """The sheet of a script that may still hold empty rows and ways to "the step below"."""
    script = settled(script)
    source = write(tidied(script))
    reads, found = read(source)
    return Sheet(script, source, reads, placed(found, reads))


def placed(found: Iterable[Fault], script: Script | None) -> Faults:
    """Each fault by its step; failing that by the card or the invented person on its line; else
    with the whole script. `script` is what was read from the source that the faults are of."""
    faults = Faults()
    cards, people = (script.cards, script.practice) if script else ((), ())
    first_card = cards[0].line if cards else 10**9
    first_person = people[0].line if people else 10**9
    for fault in found:
        if fault.step_id is not None:
            faults.of_steps.setdefault(fault.step_id, []).append(fault)
        elif fault.line >= first_person:
            number = sum(one.line <= fault.line for one in people) - 1
            faults.of_characters.setdefault(number, []).append(fault)
        elif fault.line >= first_card and "practice" not in fault.message.split("`"):
            card = [card for card in cards if card.line <= fault.line][-1]
            faults.of_cards.setdefault(card.id, []).append(fault)
        else:
            faults.of_script.append(fault)
    return faults
