"""The outcomes of a call, in words, for pages and files of this package.

What an outcome is and does, the callers' side defines; the app hands the list over at start.
"""

from collections.abc import Iterable
from typing import Protocol

from flask import Flask, current_app


class OutcomeWords(Protocol):
    """What is said about one outcome; `callers.outcomes.Outcome` is one."""

    @property
    def key(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def help(self) -> str: ...
    @property
    def reached(self) -> bool: ...
    @property
    def counts_as_attempt(self) -> bool: ...


def init_app(app: Flask, outcomes: Iterable[OutcomeWords]) -> None:
    """Keep the outcomes for `outcomes`."""
    app.extensions["outcomes"] = tuple(outcomes)


def outcomes() -> tuple[OutcomeWords, ...]:
    """Every outcome that a caller can choose, in the order of their screen."""
    known: tuple[OutcomeWords, ...] = current_app.extensions["outcomes"]
    return known
