"""Reads a script from YAML, and collects errors and warnings about the script."""

from scripts_library import checks, script_builder, yaml_source
from scripts_library.diagnostics import (
    Diagnostic,
    DiagnosticList,
    InvalidScriptError,
    sort_diagnostics,
)
from scripts_library.script import Script


def parse(text: str, source: str) -> Script:
    """Return the script that the YAML in `text` describes. `source` is the file's name in error
    messages.

    Raises InvalidScriptError, with all errors and warnings, if at least one of them is an error.
    """
    script, found = parse_leniently(text)
    if script is None or any(diagnostic.severity == "error" for diagnostic in found):
        raise InvalidScriptError(source, found)
    return script


def diagnose(text: str) -> list[Diagnostic]:
    """Return the errors and warnings about the script in `text`, sorted by line."""
    return parse_leniently(text)[1]


def parse_leniently(text: str) -> tuple[Script | None, list[Diagnostic]]:
    """Return as much of the script as the parser understood. Also return the errors and warnings,
    sorted by line.

    The script is None if no step could be read. Use this function only to edit a script or to look
    for errors. For calls, use `parse`.
    """
    found = DiagnosticList()
    table = yaml_source.parse_yaml(text, found)
    if table is None:
        return None, sort_diagnostics(found)
    script = script_builder.build_script(table, found)
    if script is not None:
        found.extend(checks.check_script(script, table.key_lines))
    return script, sort_diagnostics(found)
