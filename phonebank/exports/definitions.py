"""The definitions file. It explains the columns in the files of calls, people and the inbox, and
also explains outcomes and answer keys."""

from collections.abc import Iterator

from phonebank.exports.cells import Cell, csv_chunks
from phonebank.exports.columns import (
    COLUMNS,
    FITS,
    AskedStep,
    answer_columns,
    merge_values,
    steps_asked,
)
from phonebank.exports.inbox import INBOX_COLUMNS, WORDS
from phonebank.exports.kept_columns import kept_columns
from phonebank.exports.people import PEOPLE_COLUMNS
from phonebank.models import Campaign
from phonebank.rules.outcomes import OUTCOMES
from scripts_library.merge_fields import render_text
from scripts_library.script import Fields

HEADER = ("column", "value", "meaning", "script_versions")


def definitions_file(campaign: Campaign, mark: bool = False) -> Iterator[str]:
    """Return the definitions file as pieces of CSV. Each column has one row. After the row of the
    column “outcome” comes a row for each outcome. After the row of a column of answer keys comes a
    row for each wording of each key. `csv_chunks` explains `mark`."""
    return csv_chunks(HEADER, list(_rows(campaign)), mark)


def _rows(campaign: Campaign) -> Iterator[tuple[Cell, ...]]:
    for column in COLUMNS:
        yield column.name, "", column.meaning, ""
        if column.name == "outcome":
            for outcome in OUTCOMES.values():
                yield column.name, outcome.key, f"{outcome.label}. {outcome.help}", ""
    asked = steps_asked(campaign)
    meanings = dict(answer_columns(campaign, asked))
    for step_id, versions in asked.items():
        answer, words = f"answer_{step_id}", f"words_{step_id}"
        fits = " ".join({FITS[v.step.answer]: None for v in versions if v.step.answer})
        yield answer, "", f"{meanings[answer]} {fits}", _versions_in_words(versions)
        for key, label, used_in in _keys(versions, merge_values(campaign)):
            yield answer, key, label, _versions_in_words(used_in)
        if words in meanings:
            yield words, "", meanings[words], ""
    named = {column.name for column in COLUMNS}
    for column in (*kept_columns(campaign.id), *PEOPLE_COLUMNS, *INBOX_COLUMNS):
        if column.name not in named:
            named.add(column.name)
            yield column.name, "", column.meaning, ""
    for name, meaning in WORDS.items():
        yield name, "", meaning, ""


def _keys(versions: list[AskedStep], fields: Fields) -> Iterator[tuple[str, str, list[AskedStep]]]:
    """For each wording of each answer key, yield the key, the wording, and the versions that have
    this wording."""
    used_in: dict[tuple[str, str], list[AskedStep]] = {}
    for version in versions:
        for choice in version.step.choices:
            wording = choice.key, render_text(choice.label, fields)
            used_in.setdefault(wording, []).append(version)
    for (key, label), where in used_in.items():
        yield key, label, where


def _versions_in_words(versions: list[AskedStep]) -> str:
    """Name the versions in words, such as "Main script 3, 2, 1"."""
    numbers: dict[str, list[str]] = {}
    for version in versions:
        numbers.setdefault(version.script, []).append(str(version.version))
    return " / ".join(f"{name} {', '.join(used)}" for name, used in numbers.items())
