"""What is wrong with a script, said so that the person who wrote it can mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]

# More than this helps nobody, and a hostile file can hold tens of thousands.
MOST_FAULTS = 100


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a script.

    `line` counts from 1. `step_id` is None where the fault is not inside a step. An "error"
    stops the script from being used; a "warning" does not.
    """

    line: int
    step_id: str | None
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        place = f"line {self.line}" + (f", step {self.step_id}" if self.step_id else "")
        return f"{place}: {self.message}"


class InvalidScriptError(ValueError):
    """A script cannot be used. `faults` holds the errors and warnings, in line order."""

    def __init__(self, source: str, faults: Iterable[Fault]) -> None:
        self.source = source
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{source}, {fault}" for fault in self.faults))


class FaultList(list[Fault]):
    """Faults met while a script is read. `step_id` is the step that is being read, if any."""

    step_id: str | None = None

    def error(self, line: int, message: str) -> None:
        self.append(Fault(line, self.step_id, message, "error"))

    def warning(self, line: int, message: str) -> None:
        self.append(Fault(line, self.step_id, message, "warning"))


def in_line_order(faults: Iterable[Fault]) -> list[Fault]:
    """Each fault once, from the top of the file down; after MOST_FAULTS only how many more."""
    found = sorted(set(faults), key=lambda fault: (fault.line, fault.step_id or "", fault.message))
    rest = found[MOST_FAULTS:]
    if not rest:
        return found
    # What stands for the rest is an error if any of the rest is: nothing slips past the cut.
    hides_an_error = any(fault.severity == "error" for fault in rest)
    more = f"And {len(rest)} more from this line on. Fix the ones above first."
    severity: Severity = "error" if hides_an_error else "warning"
    return [*found[:MOST_FAULTS], Fault(rest[0].line, None, more, severity)]
