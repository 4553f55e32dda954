"""Errors and warnings about a script. Each message says what is wrong, and many messages also say
how the script's writer can fix it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]

# A longer list does not help the writer, and a hostile file can have tens of thousands of errors.
MAX_DIAGNOSTICS = 100


@dataclass(frozen=True)
class Diagnostic:
    """One error or warning. A script with an error cannot be used in calls.

    `line` is the number of a line, counted from 1. `step_id` is None if the diagnostic is not about
    a step, or if the step has no id.
    """

    line: int
    step_id: str | None
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        place = f"line {self.line}" + (f", step {self.step_id}" if self.step_id else "")
        return f"{place}: {self.message}"


class InvalidScriptError(ValueError):
    """The error for a script that cannot be used.

    `diagnostics` holds the script's errors and warnings, sorted by line.
    """

    def __init__(self, source: str, diagnostics: Iterable[Diagnostic]) -> None:
        self.source = source
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(f"{source}, {diagnostic}" for diagnostic in self.diagnostics))


class DiagnosticList(list[Diagnostic]):
    """A list that collects errors and warnings about a script. `step_id` is the id of the step that
    is being parsed. It is None if no step is being parsed, or if the step's id is not known."""

    step_id: str | None = None

    def error(self, line: int, message: str) -> None:
        """Add an error about the step `self.step_id`, or about no step in particular if that is
        None."""
        self.append(Diagnostic(line, self.step_id, message, "error"))

    def warning(self, line: int, message: str) -> None:
        """Add a warning about the step `self.step_id`, or about no step in particular if that is
        None."""
        self.append(Diagnostic(line, self.step_id, message, "warning"))


def sort_diagnostics(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the diagnostics sorted by line, without duplicates.

    At most MAX_DIAGNOSTICS of them are returned. If there are more, one further diagnostic at the
    end says how many are left out.
    """
    found = sorted(
        set(diagnostics),
        key=lambda diagnostic: (diagnostic.line, diagnostic.step_id or "", diagnostic.message),
    )
    rest = found[MAX_DIAGNOSTICS:]
    if not rest:
        return found
    # The last diagnostic stands for the rest, so it is an error if any of the rest is one.
    hides_an_error = any(diagnostic.severity == "error" for diagnostic in rest)
    more = f"And {len(rest)} more from this line on. Fix the ones above first."
    severity: Severity = "error" if hides_an_error else "warning"
    return [*found[:MAX_DIAGNOSTICS], Diagnostic(rest[0].line, None, more, severity)]
