"""Reads a script from YAML, or reports everything that is wrong with it."""

from scripts_library import checks, script_builder, yaml_source
from scripts_library.diagnostics import (
    Diagnostic,
    DiagnosticList,
    InvalidScriptError,
    sort_diagnostics,
)
from scripts_library.script import Script


def parse(text: str, source: str) -> Script:
    """Return the script that the YAML in `text` describes. Errors use `source` as the file's name.

    If any diagnostic is an error, raise InvalidScriptError with all diagnostics.
    """
    script, found = parse_leniently(text)
    if script is None or any(diagnostic.severity == "error" for diagnostic in found):
        raise InvalidScriptError(source, found)
    return script


def diagnose(text: str) -> list[Diagnostic]:
    """Return every error and warning in `text`, in line order, for an editor to show."""
    return parse_leniently(text)[1]


def parse_leniently(text: str) -> tuple[Script | None, list[Diagnostic]]:
    """Return as much of the script as the parser understood, and the script's errors and warnings
    in line order.

    The script is None if no step could be read. Use this result only to edit the script. For calls,
    use `parse`.
    """
    found = DiagnosticList()
    table = yaml_source.parse_yaml(text, found)
    if table is None:
        return None, sort_diagnostics(found)
    script = script_builder.build_script(table, found)
    if script is not None:
        found.extend(checks.check_script(script, table.key_lines))
    return script, sort_diagnostics(found)
