"""What a script may contain: read one from YAML, or say everything that is wrong with it."""

from scripts_library import checks, parser, yaml_source
from scripts_library.diagnostics import Fault, FaultList, InvalidScriptError, in_line_order
from scripts_library.script import (
    BUILT_IN_FIELDS,
    Answer,
    Answers,
    Branch,
    Card,
    Character,
    Choice,
    Fields,
    Script,
    Step,
    UnknownStepError,
)

__all__ = [
    "BUILT_IN_FIELDS",
    "Answer",
    "Answers",
    "Branch",
    "Card",
    "Character",
    "Choice",
    "Fault",
    "Fields",
    "InvalidScriptError",
    "Script",
    "Step",
    "UnknownStepError",
    "faults",
    "parse",
    "read",
]


def parse(text: str, source: str) -> Script:
    """The script written in `text`. `source` names the file for the reader of an error.

    Raises InvalidScriptError, with all that `faults` gives, where there is any error; warnings
    alone pass.
    """
    script, found = read(text)
    if script is None or any(fault.severity == "error" for fault in found):
        raise InvalidScriptError(source, found)
    return script


def faults(text: str, source: str) -> list[Fault]:
    """Every error and warning in `text`, in line order: what an editor shows beside it.

    Takes what `parse` takes; a fault itself names only its line and step, not the source.
    """
    return read(text)[1]


def read(text: str) -> tuple[Script | None, list[Fault]]:
    """The script in `text` as far as it could be read, faults and all, for an editor to go on with.

    None where no step of it could be read. Only `parse` gives a script that is fit for calls.
    """
    found = FaultList()
    table = yaml_source.read(text, found)
    if table is None:
        return None, in_line_order(found)
    script = parser.read_script(table, found)
    if script is not None:
        found.extend(checks.check(script, table.key_lines))
    return script, in_line_order(found)
