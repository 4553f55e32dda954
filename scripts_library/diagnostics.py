"""What is wrong with a script, said so that the person who wrote it can mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]

# More than this helps nobody, and a hostile file can hold tens of thousands.
MAX_DIAGNOSTICS = 100


@dataclass(frozen=True)
class Diagnostic:
    """One thing wrong with a script.

    `line` counts from 1. `step_id` is None where the diagnostic is not inside a step. An "error"
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
    """A script cannot be used. `diagnostics` holds the errors and warnings, in line order."""

    def __init__(self, source: str, diagnostics: Iterable[Diagnostic]) -> None:
        self.source = source
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(f"{source}, {diagnostic}" for diagnostic in self.diagnostics))


class DiagnosticList(list[Diagnostic]):
    """Faults met while a script is read. `step_id` is the step that is being read, if any."""

    step_id: str | None = None

    def error(self, line: int, message: str) -> None:
        self.append(Diagnostic(line, self.step_id, message, "error"))

    def warning(self, line: int, message: str) -> None:
        self.append(Diagnostic(line, self.step_id, message, "warning"))


def in_line_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Each diagnostic once, from the top of the file down; after MAX_DIAGNOSTICS only how many
    more."""
    found = sorted(
        set(diagnostics),
        key=lambda diagnostic: (diagnostic.line, diagnostic.step_id or "", diagnostic.message),
    )
    rest = found[MAX_DIAGNOSTICS:]
    if not rest:
        return found
    # What stands for the rest is an error if any of the rest is: nothing slips past the cut.
    hides_an_error = any(diagnostic.severity == "error" for diagnostic in rest)
    more = f"And {len(rest)} more from this line on. Fix the ones above first."
    severity: Severity = "error" if hides_an_error else "warning"
    return [*found[:MAX_DIAGNOSTICS], Diagnostic(rest[0].line, None, more, severity)]
