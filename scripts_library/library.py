"""The ready-made scripts, one file for each script and language."""

from functools import cache
from pathlib import Path

from scripts_library.parser import parse
from scripts_library.script import Script

_FOLDER = Path(__file__).parent / "scripts"


class UnknownScriptError(LookupError):
    """The error for a slug and a language for which there is no ready-made script."""


def ready_made() -> list[Script]:
    """Return every ready-made script, sorted by slug and then by language, with English first."""
    return list(_scripts())


def source_of(slug: str, language: str) -> str:
    """Return the YAML of one ready-made script, for an organiser to copy and edit.

    Raises UnknownScriptError if no ready-made script has this slug and language.
    """
    file = _files().get(f"{slug}.{language}")
    if file is None:
        raise UnknownScriptError(f"There is no ready-made script called {slug} in {language}.")
    return file.read_text("utf-8")


@cache
def _scripts() -> tuple[Script, ...]:
    scripts = [parse(file.read_text("utf-8"), file.name) for file in _files().values()]
    return tuple(sorted(scripts, key=lambda s: (s.slug, s.language != "en", s.language)))


@cache
def _files() -> dict[str, Path]:
    # A slug is looked up among these names and never joined into a path, so a request cannot
    # reach any other file.
    return {file.stem: file for file in sorted(_FOLDER.glob("*.yaml"))}
