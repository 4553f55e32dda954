"""`make bench` makes the measurements that docs/benchmarks.md describes, one after another.

    python -m bench [cycle] [claims] [import] [board] [call-outs] [callers] [overload] [exports]
                    [find] [api] [erasure] [pacing] [take-out] [near] [beside] [hall] [glance]
                    [million] [telephone]

Each name stands for one measurement. If no name is given, all measurements are made.

If the environment variable BENCH_QUICK is set, the lists, rounds and evenings are shorter, and all
measurements together should take about five minutes. Such a run is enough for a quick check, but
its figures do not belong in docs/benchmarks.md. A bar is a limit that the figures must keep. The
exit status is 1 if a bar is missed, and 2 if no measurement has one of the given names.
"""

import os
import sys
from collections.abc import Callable

from bench import (
    api,
    beside,
    boards,
    call_outs,
    callers,
    claims,
    cycle,
    erasure,
    exports,
    find,
    glance,
    hall,
    import_bench,
    million,
    near,
    overload,
    pacing,
    take_out,
    telephone,
)

QUICK = bool(os.environ.get("BENCH_QUICK"))
BENCHES: dict[str, Callable[[], bool]] = {
    "cycle": lambda: cycle.main(QUICK),
    "claims": lambda: claims.main(QUICK),
    "import": lambda: import_bench.main(50_000 if QUICK else 1_000_000) <= import_bench.BAR,
    "board": lambda: boards.main(QUICK),
    "call-outs": lambda: call_outs.main(QUICK),
    "callers": lambda: callers.main(QUICK),
    "overload": lambda: overload.main(QUICK),
    "exports": lambda: exports.main(20_000 if QUICK else 200_000),
    "glance": lambda: glance.main(*((20_000, 50_000, 100) if QUICK else ())),
    "find": lambda: find.main(100_000 if QUICK else 3_000_000),
    "api": lambda: api.main(4 if QUICK else 8),
    "million": lambda: million.main(*((20_000, 5_000) if QUICK else ())),
    "take-out": lambda: take_out.main(*((50_000, 10_000) if QUICK else ())),
    "erasure": lambda: erasure.main(20_000 if QUICK else 1_000_000),
    "near": lambda: near.main(QUICK),
    "beside": lambda: beside.main(QUICK),
    "hall": lambda: hall.main(QUICK),
    "pacing": lambda: pacing.main(QUICK),
    "telephone": lambda: telephone.main(*((100, 20, 10) if QUICK else ())),
}


def main() -> int:
    names = sys.argv[1:] or list(BENCHES)
    if unknown := set(names) - set(BENCHES):
        print(f"There is no bench {', '.join(unknown)}: choose from {', '.join(BENCHES)}.")
        return 2
    kept = {}
    for name in names:
        print(f"— {name} —", flush=True)
        kept[name] = BENCHES[name]()
    for name, was_kept in kept.items():
        print(f"{name}: {'kept' if was_kept else 'MISSED'}")
    return int(not all(kept.values()))


if __name__ == "__main__":
    sys.exit(main())
