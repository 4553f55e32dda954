"""A process that prepares the rows of one import for storing. `parallel_batches` starts this
process.

The process reads chunks of rows from standard input, and writes each as a batch to standard output.
The process has no access to the database, and knows no secrets. It ends when its standard input is
closed, when nobody reads its output any more, or when the import kills it. So the process does not
outlive an import whose worker is killed.
"""

import gc
import os
import pickle
import signal
import sys
import traceback
from types import TracebackType

from phonebank.csv_input.rows import Row
from phonebank.lists.batching import prepare_batch

# Callers' requests and PostgreSQL go first on a busy machine.
NICENESS = 5


def main() -> None:
    """Prepare chunks of rows until there are no more."""
    sys.excepthook = _log_without_rows
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.nice(NICENESS)
    # A chunk has ten thousand lists of cells, and the garbage collector would go through them again
    # and again. It runs between two chunks instead.
    gc.freeze()
    gc.disable()
    mapping, country, allow_drama = pickle.load(sys.stdin.buffer)  # noqa: S301
    while True:
        try:
            first, columns = pickle.load(sys.stdin.buffer)  # noqa: S301
        except EOFError:
            return
        chunk = list(map(Row, *columns))
        batch = prepare_batch(chunk, first, mapping, country, allow_drama)
        pickle.dump(batch, sys.stdout.buffer, pickle.HIGHEST_PROTOCOL)
        sys.stdout.buffer.flush()
        del chunk, columns, batch
        gc.collect()


def _log_without_rows(
    kind: type[BaseException], _: BaseException, trace: TracebackType | None
) -> None:
    """Log a software fault without the error's own words, which may quote a row."""
    where = "".join(traceback.format_tb(trace))
    print(f"preparing rows of an import broke: {kind.__name__}\n{where}", file=sys.stderr)


if __name__ == "__main__":
    main()
