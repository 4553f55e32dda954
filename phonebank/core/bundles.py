"""Joins an ES module and everything it imports into one file, so that a phone sends one request
instead of fifteen.

Each module becomes a function that returns the module's exports, so the same name in two modules
does not clash. Indentation and most comments are removed. Only the syntax that our modules use is
supported. A module may import from files in the same folder, with `import {name} from` or a bare
`import`. It may export functions, classes and constants (`const`), but no variables (`let`).
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_IMPORT = re.compile(r'^import (?:\{([^}]*)\} from )?"\./([\w.]+)";\n', re.M)
_EXPORT = re.compile(r"^export ((?:async )?function|class|const) (\w+)", re.M)
_COMMENT = re.compile(r"^[ \t]*(?:/\*.*?\*/[ \t]*|//[^\n]*)\n", re.M | re.S)
# A comment behind code. If the text after // contains a quotation mark, it is left in, because it
# might be the end of a string.
_COMMENT_BEHIND = re.compile(r"(?<=[;{,]) +//[^\"'`\n]*$", re.M)
_INDENT = re.compile(r"^[ \t]+", re.M)
_LEFT_OVER = re.compile(r"^(?:import|export)\b.*|\bimport\(.*", re.M)


class UnsupportedModuleError(ValueError):
    """The error for a module that cannot be bundled."""


@dataclass(frozen=True)
class _Module:
    text: str
    imports: tuple[str, ...]


def bundle(entry: Path) -> str:
    """Return JavaScript that does what the module `entry` does, without further requests.

    Raises UnsupportedModuleError if modules import each other in a cycle, or if a module has an
    import or export that the docstring of this file does not list. The same error is raised for a
    text between backticks that has several lines. Raises FileNotFoundError if `entry` or an
    imported file is missing.
    """
    done: dict[str, str] = {}
    _add(entry, done, ())
    return _join(tuple(done.values()))


@cache
def _join(texts: tuple[str, ...]) -> str:
    return "\n".join(texts)


def _add(path: Path, done: dict[str, str], above: tuple[str, ...]) -> None:
    if path.name in above:
        raise UnsupportedModuleError(f"{path.name} imports itself by way of {above[-1]}.")
    if path.name in done:
        return
    module = _read(path, path.stat().st_mtime_ns)
    for name in module.imports:
        _add(path.with_name(name), done, (*above, path.name))
    done[path.name] = module.text


@cache
def _read(path: Path, modified_ns: int) -> _Module:
    source = _COMMENT_BEHIND.sub("", _COMMENT.sub("", path.read_text()))
    # A text between backticks that has several lines would lose its spaces.
    if odd := next((line for line in source.splitlines() if line.count("`") % 2), None):
        raise UnsupportedModuleError(f"{path.name} has “{odd.strip()}”.")
    source = _INDENT.sub("", source)
    imports = tuple(name for _, name in _IMPORT.findall(source))
    exported = [name for _, name in _EXPORT.findall(source)]
    body = _EXPORT.sub(r"\1 \2", _IMPORT.sub(_take_exports, source))
    if left_over := _LEFT_OVER.search(body):
        raise UnsupportedModuleError(f"{path.name} has “{left_over[0]}”.")
    start, end = f"const {_variable(path.name)} = (() => {{", f"return {{ {', '.join(exported)} }};"
    return _Module(f"{start}\n{body}{end}\n}})();", imports)


def _take_exports(found: re.Match[str]) -> str:
    if found[1] is None:
        return ""
    names = re.sub(r"(\w+) as (\w+)", r"\1: \2", " ".join(found[1].split()))
    return f"const {{ {names} }} = {_variable(found[2])};\n"


def _variable(file_name: str) -> str:
    return "module_" + re.sub(r"\W", "_", file_name.removesuffix(".js"))
