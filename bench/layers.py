"""Looks at the modules on the stack of a web process, and tells which layer of a cycle the process
is in. (In a cycle, a caller records an outcome and gets the next person.)

Only the beginnings of modules' names count. So a function can be renamed without a change here.
Most functions can also be moved to another module of their package.
"""

import re
from collections.abc import Sequence

# Seconds of processor time between two samples. Linux's own clock for this ticks about as often.
SAMPLED_EVERY = 0.004
# The address at which the profiled process answers with its samples.
SAMPLES_AT = "/bench/profile"

# The layers in the order of a cycle, each with a description.
LAYERS = {
    "server": "gunicorn and gevent: connections, the request's head, sending the answer",
    "door": "overload, Flask, session, form token, limits, the caller, headers",
    "reading": "reading what an outcome is decided by",
    "deciding": "the rules, in Python",
    "writing": "statements that write, commits, and what follows a commit",
    "claiming": "the next person: Redis, reading, deciding and writing",
    "answering": "the person's screen",
    "lines": "websockets",
    "background": "boards and other work between requests",
}
# engineio.middleware is left out, because every request passes through it.
_LINES = ("engineio.server", "engineio.socket", "engineio.async", "socketio", "callers.sockets")
_BACKGROUND = ("phonebank.live", "phonebank.core.gc_tuning")
_REQUEST = ("gunicorn.workers.base_async",)
_CLAIM = ("phonebank.calls.claim",)
_VIEWS = ("callers.views",)
_RECORD_VIEW = ("callers.views.record",)
_DOOR = ("flask", "werkzeug", "phonebank.core", "callers.sessions")
_FLUSH = ("sqlalchemy.orm.unitofwork", "sqlalchemy.orm.persistence")
_DATABASE = ("sqlalchemy", "psycopg", "phonebank.core.db")
_OURS = ("phonebank", "callers", "scripts_library")

_WRITES = re.compile(r"\b(insert\s+into|delete\s+from|update\s+\"?\w+\"?(\s+as)?(\s+\w+)?\s+set)\b")


def starts_with(module: str, beginnings: Sequence[str]) -> bool:
    """Whether the module's name begins with one of `beginnings`."""
    return module.startswith(tuple(beginnings))


def writes(statement: str) -> bool:
    """Whether a statement writes rows."""
    return _WRITES.search(statement.lower()) is not None


def layer_of(modules: Sequence[str], statement: str = "", is_committing: bool = False) -> str:
    """Return the layer (a key of LAYERS) to which a stack belongs. `modules` are the modules on the
    stack, innermost first. `statement` is the SQL statement that is running, or "" if none is
    running. `is_committing` says whether a commit is running."""

    view = next((at for at, module in enumerate(modules) if starts_with(module, _VIEWS)), None)
    # The view and what it calls. The frames outside it are wrappers that every view has.
    inner = modules if view is None else modules[: view + 1]

    def some(beginnings: Sequence[str]) -> bool:
        return any(starts_with(module, beginnings) for module in inner)

    if view is None and some(_LINES):
        return "lines"
    if view is None and some(_BACKGROUND) and not some(_REQUEST):
        return "background"
    if view is None:
        return "door" if some(_DOOR) else "server"
    if some(_CLAIM):
        return "claiming"
    if is_committing or writes(statement) or some(_FLUSH):
        return "writing"
    if not starts_with(modules[view], _RECORD_VIEW):
        return "answering"
    return "reading" if some(_DATABASE) else "deciding"


def own_module(modules: Sequence[str]) -> str:
    """Return the innermost of Phonebank's modules on a stack, or "" if there is none."""
    return next((module for module in modules if starts_with(module, _OURS)), "")


def library_of(module: str) -> str:
    """Return the top-level package of a module."""
    return module.partition(".")[0]
