"""The files, modules and functions that documents name in backticks exist.

The map of the code names every package, too.
"""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache

import pytest

from phonebank.core.install_paths import ROOT

DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"))
)
PACKAGES = ("phonebank", "callers", "scripts_library", "bench", "tests", "tools", "migrations")
CODE = "py|js|mjs|lua|sh|html|css|yaml|toml|md"
NOT_OURS = {
    "campaign.retain_until": "a column of databases from before the first release",
    "get_or_create_multi": "a method of dogpile.cache",
    "RetryError": "an exception of tenacity",
    "save-the-library.cy.yaml": "a file that an organiser downloads",
    "save-the-library.en.yaml": "a file that an organiser downloads",
    "var/": "the folder that `make run` makes",
}

A_FILE = re.compile(rf"[\w.*<>/-]*?([\w.<>*/-]+\.({CODE}))(::[\w\[\]-]+)?")
A_FOLDER = re.compile(r"(?!/)[\w./-]+/")
A_DOTTED_NAME = re.compile(rf"({'|'.join(PACKAGES)})(\.\w+)+(\(\))?")
A_NAME_IN_A_MODULE = re.compile(r"([a-z_0-9]+)\.([a-z_]\w*)(?:\(.*\))?")
A_NAME = re.compile(r"@?((?:[A-Z][a-z0-9]+){2,}|_?[a-z0-9]+(?:_[a-z0-9]+)+)((?:\.\w+)*)(?:\(.*\))?")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_names_exists(document: str) -> None:
    assert [name for name in _quoted(document) if not exists(name)] == []


def test_every_package_is_on_the_map() -> None:
    folders = [ROOT / "callers", ROOT / "scripts_library", *(ROOT / "phonebank").iterdir()]
    packages = {
        f"{folder.relative_to(ROOT)}/" for folder in folders if (folder / "__init__.py").exists()
    }
    assert packages - set(_quoted("docs/map.md")) == set()


@pytest.mark.parametrize(
    "name",
    [
        "phonebank/core/no_such_file.py",
        "no_such_file.py",
        "phonebank/no_such_folder/",
        "phonebank.core.no_such_module",
        "phonebank.core.db.no_such_function",
        "retry_policy.no_such_function",
        "answers.no_such_function()",
        "no_such_function",
        "no_such_function()",
        "NoSuchClass.parse",
        "tests/test_documents.py::test_no_such_test",
    ],
)
def test_a_name_of_nothing_is_found(name: str) -> None:
    assert not exists(name)


def exists(name: str) -> bool:
    """Whether a quoted text is none of ours by its form, or names something that exists."""
    if name in NOT_OURS:
        return True
    if match := A_FILE.fullmatch(name):
        return _file_exists(match[0].partition("::")[0]) and _test_exists(match[0])
    if A_FOLDER.fullmatch(name):
        return any(f"/{name}" in f"/{path}" for path in _files())
    if A_DOTTED_NAME.fullmatch(name):
        return _resolves(name.removesuffix("()").split("."))
    if (match := A_NAME_IN_A_MODULE.fullmatch(name)) and (modules := _modules(match[1])):
        return any(match[2] in _words_of(path) for path in modules)
    if match := A_NAME.fullmatch(name):
        return all(part in _words() for part in (match[1], *match[2].split(".")[1:]))
    return True


def _quoted(document: str) -> Iterator[str]:
    text = re.sub(r"(?ms)^ *```.*?^ *```", "", (ROOT / document).read_text("utf-8"))
    for quoted in re.findall(r"`([^`\n]+)`", text):
        yield quoted.strip()


def _file_exists(name: str) -> bool:
    pattern = "".join("[^/]*" if part in "*…" else re.escape(part) for part in name)
    return any(re.fullmatch(rf"(.*/)?{pattern}", path) for path in _files())


def _test_exists(name: str) -> bool:
    path, _, test = name.partition("::")
    return not test or f"def {test.partition('[')[0]}(" in (ROOT / path).read_text("utf-8")


def _resolves(parts: list[str]) -> bool:
    """Whether a module's path, and a name or a class's name inside it, exist."""
    for length in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:length])
        module = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if path.is_dir() and length == len(parts):
            return True
        if module.is_file():
            inside: list[ast.stmt] = ast.parse(module.read_text("utf-8")).body
            for part in parts[length:]:
                named = [node for node in inside if part in _names_of(node)]
                if not named:
                    return False
                inside = getattr(named[0], "body", [])
            return True
    return False


def _names_of(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name for alias in node.names}
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


@cache
def _files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for path in listed.stdout.splitlines() if (ROOT / path).is_file()]


def _modules(name: str) -> list[str]:
    """The modules of that name; a table has one in phonebank/models."""
    return [path for path in _files() if path.endswith(f"/{name}.py")]


@cache
def _words() -> frozenset[str]:
    """Every word of the code, with its comments and texts."""
    of_code = [
        path
        for path in _files()
        if re.search(rf"\.({CODE})$", path)
        and not path.endswith((".md", "tests/test_documents.py"))
    ]
    return frozenset().union(*map(_words_of, of_code))


@cache
def _words_of(path: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", (ROOT / path).read_text("utf-8")))
