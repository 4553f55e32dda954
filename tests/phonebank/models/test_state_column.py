"""Each state's value is written once, in its enum; code, SQL text and templates name the member."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from phonebank.models import STATES, CallerState, ContactState
from phonebank.models.state_column import state_sql
from phonebank.rules.outcomes import NextState

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("phonebank", "callers", "scripts_library", "bench", "tools")

VALUES = {str(member) for states in STATES for member in states}
# What code calls a column, a field or an argument that holds a state.
NAMES = {"state", "ending", "source", "action", "role"}
# What takes a state as its argument.
TAKERS = {"open_to", "has_role"}
# Words of SQL text that mean something else than the state of the same name.
OTHER_WORDS = {("phonebank/contact_queue/status_counts.py", "removed")}
OTHER_WORDS |= {("phonebank/contact_queue/status_counts.py", "ready")}
OTHER_WORDS |= {("phonebank/exports/people.py", "ready")}
OTHER_WORDS |= {("phonebank/experiments/counts.py", "number")}  # a type of JSON
OTHER_WORDS |= {("bench/calls_of_days.py", "refused")}  # an outcome

_SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|WHERE|CASE|FILTER)\b")
_QUOTED = re.compile(r"'(\w+)'")
_QUOTED_IN_LUA = re.compile(r"[\"'](\w+)[\"']")
_TEMPLATE = re.compile(
    rf"\.(?:{'|'.join(sorted(NAMES))})\b\s*(?:==|!=|(?:not )?in\b)\s*\(?\s*[\"'](\w+)[\"']"
)


def _files(ending: str) -> list[Path]:
    models = ROOT / "phonebank" / "models"
    found = [path for room in ROOMS for path in (ROOT / room).rglob(f"*.{ending}")]
    return [path for path in found if models not in path.parents]


def _is_value(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value in VALUES


def _holds_value(node: ast.expr) -> bool:
    """A value, or a tuple, list, set or choice with one in it."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(map(_holds_value, node.elts))
    if isinstance(node, ast.IfExp):
        return _holds_value(node.body) or _holds_value(node.orelse)
    return _is_value(node)


def _is_state(node: ast.AST) -> bool:
    """Something that holds a state: `caller.state`, `state`, `row["state"]`."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return node.slice.value in NAMES
    return (node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")) in NAMES


def _name_of(call: ast.Call) -> str:
    return getattr(call.func, "attr", "") or getattr(call.func, "id", "")


def _by_value(node: ast.AST) -> bool:
    """Whether the node means a state and writes its value."""
    match node:
        case ast.Compare(left=left, comparators=others):
            sides = [left, *others]
            return any(map(_is_state, sides)) and any(map(_holds_value, sides))
        case ast.keyword(arg=name, value=value):
            return name in NAMES and _holds_value(value)
        case ast.Assign(targets=targets, value=value):
            return any(map(_is_state, targets)) and _holds_value(value)
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return any(getattr(key, "value", "") in NAMES and _holds_value(v) for key, v in pairs)
        case ast.Subscript(value=ast.Dict(keys=keys), slice=key):
            return _is_state(key) and any(map(_is_value, keys))
        case ast.Call(func=ast.Attribute(value=ast.Dict(keys=keys), attr="get"), args=[key, *_]):
            return _is_state(key) and any(map(_is_value, keys))
        case ast.Call(func=ast.Attribute(value=column, attr="in_"), args=args):
            return _is_state(column) and any(map(_holds_value, args))
        case ast.Call(args=args) if _name_of(node) in TAKERS:
            return any(map(_holds_value, args))
        case ast.match_case(pattern=ast.MatchValue(value=value)):
            return _is_value(value)
    return False


def literals_in(text: str, path: str = "") -> Iterator[str]:
    """Where Python text, or the SQL in it, writes a state's value."""
    for node in ast.walk(ast.parse(text)):
        if _by_value(node):
            yield f"{path}:{getattr(node, 'lineno', '?')}: {ast.unparse(node)[:80]}"
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if not _SQL.search(node.value):
                continue
            for word in _QUOTED.findall(node.value):
                if word in VALUES and (path, word) not in OTHER_WORDS:
                    yield f"{path}:{node.lineno}: '{word}' in SQL"


def test_python_and_sql_name_the_member() -> None:
    files = _files("py")
    assert len(files) > 200
    faults = [
        fault
        for path in files
        for fault in literals_in(path.read_text("utf-8"), str(path.relative_to(ROOT)))
    ]
    assert faults == []


@pytest.mark.parametrize(
    ("ending", "pattern"),
    [("html", _TEMPLATE), ("txt", _TEMPLATE), ("lua", _QUOTED_IN_LUA)],
    ids=["html", "txt", "lua"],
)
def test_so_do_templates_and_lua(ending: str, pattern: re.Pattern[str]) -> None:
    faults = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in _files(ending)
        for word in pattern.findall(path.read_text("utf-8"))
        if word in VALUES
    ]
    assert faults == []


@pytest.mark.parametrize(
    "text",
    [
        "caller.state == 'admitted'",
        "row['state'] != 'callable'",
        "'open' if party.state in ('open', 'locked') else ''",
        "Campaign.state.in_(['running'])",
        "Party(state='open')",
        "call.ending = 'expired'",
        "contact.state = 'callable' if more else 'finished'",
        "update(SetAside).values({'state': 'done'})",
        "{'draft': 'has not started'}.get(campaign.state)",
        "@open_to('organiser')\ndef page(): ...",
        "text(\"SELECT id FROM caller WHERE state = 'admitted'\")",
        "text(f\"SELECT {column} FROM call WHERE ending IN ('recorded', 'expired')\")",
    ],
)
def test_a_literal_is_seen(text: str) -> None:
    assert list(literals_in(text))


@pytest.mark.parametrize(
    "text",
    [
        "caller.state == CallerState.ADMITTED",
        "{'calls': 3, 'call': 4}",
        "render(kind='draft')",
        "state_text('SELECT id FROM caller WHERE state = :admitted', admitted=ADMITTED)",
    ],
)
def test_and_nothing_else_is(text: str) -> None:
    assert not list(literals_in(text))


def test_what_a_contact_becomes_is_a_state_of_contacts_or_the_numbers_suppression() -> None:
    """No call takes a contact out of calling; a file does."""
    assert set(NextState) == {*ContactState, "suppressed"} - {ContactState.TAKEN_OUT}


def test_sql_text_gets_the_value_and_keeps_its_other_names() -> None:
    sql = "SELECT state::text FROM caller WHERE state = :admitted AND id = :admitted_by"
    assert state_sql(sql, admitted=CallerState.ADMITTED) == (
        "SELECT state::text FROM caller WHERE state = 'admitted' AND id = :admitted_by"
    )
    with pytest.raises(ValueError, match="removed"):
        state_sql(sql, removed=CallerState.REMOVED)
