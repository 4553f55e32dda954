"""The web process of `bench.profile`. `bench.profiled` is the ordinary web process, but also takes
a sample of its own stack every few milliseconds of processor time, and counts its SQL
statements."""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402  (sockets must be patched first)
import signal  # noqa: E402
from collections import Counter  # noqa: E402
from types import FrameType  # noqa: E402

from sqlalchemy import Engine, event  # noqa: E402

from bench.layers import (  # noqa: E402
    SAMPLED_EVERY,
    SAMPLES_AT,
    layer_of,
    library_of,
    own_module,
    starts_with,
)
from wsgi import app as unprofiled  # noqa: E402

DEPTH = 150
# The functions of SQLAlchemy and psycopg that have the statement as a local variable.
_EXECUTING = ("execute", "do_execute", "_exec_single_context", "_execute_context")

samples: dict[str, Counter[str]] = {
    kind: Counter() for kind in ("layers", "modules", "libraries", "functions", "statements")
}


def note(_: int, frame: FrameType | None) -> None:
    modules: list[str] = []
    functions: set[str] = set()
    statement, is_committing = "", False
    while frame is not None and len(modules) < DEPTH:
        module, name = str(frame.f_globals.get("__name__", "")), frame.f_code.co_name
        modules.append(module)
        functions.add(f"{module}:{frame.f_code.co_qualname}")
        if name == "_run" and module == "phonebank.core.statement":
            statement = frame.f_locals["self"].sql
        if starts_with(module, ("sqlalchemy", "psycopg")):
            is_committing = is_committing or "commit" in name.lower()
            if not statement and name in _EXECUTING:
                told = frame.f_locals.get("statement", frame.f_locals.get("query"))
                # In SQLAlchemy's own functions the statement is not text yet.
                statement = told if isinstance(told, str) else ""
        frame = frame.f_back
    samples["layers"][layer_of(modules, statement, is_committing)] += 1
    samples["modules"][own_module(modules) or "(none of ours)"] += 1
    samples["libraries"][library_of(modules[0] if modules else "")] += 1
    samples["functions"].update(functions)


@event.listens_for(Engine, "before_cursor_execute")
def count(_connection, _cursor, statement, *_):
    samples["statements"][" ".join(statement.split())[:110]] += 1


def app(environ, start_response):
    """Serve Phonebank, and one further address, SAMPLES_AT. The answer from SAMPLES_AT has the
    samples and the counts of statements since the last request to that address."""
    if environ["PATH_INFO"] != SAMPLES_AT:
        return unprofiled(environ, start_response)
    body = json.dumps(samples).encode()
    for counter in samples.values():
        counter.clear()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


signal.signal(signal.SIGPROF, note)
signal.setitimer(signal.ITIMER_PROF, SAMPLED_EVERY, SAMPLED_EVERY)
