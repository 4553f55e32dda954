"""Shows on what a web process spends its processor time in a cycle: by layer, by Phonebank's
modules, by library and by function. The program also lists the SQL statements of a cycle.

    python -m bench.profile [phones|json] [SECONDS]

In a cycle, a caller records an outcome and gets the next person. The requests are those of
`bench.cycle`, over HTTP, with one web process (`bench.profiled`).
"""

import json
import sys
import urllib.request
from collections import Counter

from bench import people
from bench.cycle import CALLERS_EACH, NAMES
from bench.layers import LAYERS, SAMPLES_AT, starts_with
from bench.load import load
from bench.servers import migrated_app, stores, web

APPLICATION = "bench.profiled:app"
AT_ONCE = 4
WARM_UP = 4.0  # seconds
SHOWN = 25


def main(action: str = "phones", seconds: float = 20) -> None:
    with stores() as environment:
        app = migrated_app(environment)
        with app.app_context():
            _, link = people.build(50_000)
        with web(environment, APPLICATION, 1) as port:
            devices = people.join_callers(port, link, AT_ONCE * CALLERS_EACH)
            load(port, APPLICATION, action, devices, WARM_UP, at_once=AT_ONCE)
            measured = load(
                port,
                APPLICATION,
                action,
                devices,
                seconds,
                when_warm=lambda: _samples(port),
                at_once=AT_ONCE,
            )
            samples = _samples(port)
    cost = measured.cost("web")
    noted = sum(samples["layers"].values())
    print(
        f"{NAMES[action]}: {cost:.2f} ms of web processor a cycle, and PostgreSQL"
        f" {measured.cost('postgres'):.2f}, Redis {measured.cost('redis'):.2f};"
        f" {len(measured.took)} cycles, {noted} samples"
    )

    def print_costs(title: str, counts: list[tuple[str, int]]) -> None:
        print(f"\n{title}")
        for name, count in counts:
            print(f"  {cost * count / noted:6.2f} ms  {name}")

    by_layer = [(f"{layer}: {words}", samples["layers"][layer]) for layer, words in LAYERS.items()]
    print_costs("by layer", [each for each in by_layer if each[1]])
    print_costs("by our module that is innermost", samples["modules"].most_common(SHOWN))
    print_costs("by library that is innermost", samples["libraries"].most_common(SHOWN))
    ours = Counter(
        {
            name: count
            for name, count in samples["functions"].items()
            if starts_with(name, ("phonebank", "callers", "scripts_library"))
        }
    )
    print_costs("in our functions, with what they call", ours.most_common(2 * SHOWN))
    print("\nstatements a cycle")
    for statement, times in samples["statements"].most_common():
        if times > len(measured.took) / 50:
            print(f"  {times / len(measured.took):5.2f}  {statement}")


def _samples(port: int) -> dict[str, Counter[str]]:
    """Return the samples that the web process has taken since the last call of this function."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{SAMPLES_AT}", timeout=30) as answer:
        return {kind: Counter(counts) for kind, counts in json.load(answer).items()}


if __name__ == "__main__":
    main(
        sys.argv[1] if len(sys.argv) > 1 else "phones",
        float(sys.argv[2]) if len(sys.argv) > 2 else 20,
    )
