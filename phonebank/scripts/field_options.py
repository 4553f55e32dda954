"""The merge fields that the editor offers, for the script's words and for the conditions of
branches. Pure functions."""

from collections.abc import Iterable

from scripts_library.script import BUILT_IN_FIELDS, FIELDS_ALWAYS_KNOWN, Script

_FALLBACKS = {"first_name": "there", "last_name": "", "town": "your area"}


def insertable_fields(script: Script) -> list[tuple[str, str]]:
    """Return (label, merge field) for each field that may be inserted into the script's words, such
    as ("town", "{{ town or 'your area' }}")."""
    names: Iterable[str] = [*sorted(BUILT_IN_FIELDS), *filter(None, script.fields)]
    return [(name.replace("_", " "), _merge_field(name)) for name in names]


def condition_fields(script: Script) -> list[str]:
    """Return the names of the fields that a branch's condition can use. Fields whose value is
    always known are not included. The script's own fields are included only if they have a
    description."""
    own = [name for name, about in script.fields.items() if about]
    return [*sorted(BUILT_IN_FIELDS - FIELDS_ALWAYS_KNOWN), *own]


def _merge_field(name: str) -> str:
    if name in FIELDS_ALWAYS_KNOWN:
        return f"{{{{ {name} }}}}"
    return f"{{{{ {name} or '{_FALLBACKS.get(name, name.replace('_', ' '))}' }}}}"
