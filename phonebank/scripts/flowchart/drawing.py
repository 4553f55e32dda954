"""Draw a script as a flowchart. The steps are in layers from top to bottom, and the labels of the
arrows say the conditions.

Every arrow leads from one layer to a lower one. Each label has a place of its own, below the step,
or the start of the call, where its arrow begins. If an arrow leads past a layer, it runs through a
gap between the boxes of that layer. So nothing overlaps. Arrows to the same step share one gap in
each layer. If a transition leads back to an earlier step, or to a step that does not exist, its
arrow ends at the label, and the label says why. The template is `scripts/_flow.html`. Pure
functions.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from phonebank.scripts.cleanup import drop_empty
from phonebank.scripts.flowchart.layered_layout import Edge, order_rows, position_nodes
from phonebank.scripts.flowchart.shapes import Arrow, Box, Flowchart, Label
from phonebank.scripts.flowchart.text_metrics import ELLIPSIS, text_width, wrap_text
from phonebank.scripts.labels import STEP_KINDS
from phonebank.scripts.transitions import OTHERWISE, describe_condition, title_of, transitions_of
from scripts_library.graph import entry_step_ids, is_dead_end, reachable_from
from scripts_library.script import Script, Step

# Lengths are in px.
BOX_WIDTH = 196
LETTERS = 14
SMALL_LETTERS = 12
LINE = 18
ROOM = BOX_WIDTH - 20
MAX_LABEL_WIDTH = 160
LANE = 12.0
START = 6.0  # the radius of the dot
HEAD = 7.0
BETWEEN_ROWS = 20
MARGIN = 12
# An edge is a piece of an arrow. A flowchart with more edges than this would be unreadable. The
# ready-made scripts have fewer than 200.
MAX_EDGES = 6000
MAX_ANSWERS_NAMED = 3

# A shape: ("start",), ("step", id), ("label", index of the connection), ("lane", target id, row).
Key = tuple[Any, ...]


@dataclass
class _Connection:
    """All transitions from one step, or from the start, to the same target, as one arrow."""

    source: str  # "" is the start of the call
    target: str
    whens: list[str] = field(default_factory=list)
    problem: str = ""

    @property
    def words(self) -> str:
        whens = [when for when in self.whens if when not in ("", OTHERWISE)]
        said = whens[:MAX_ANSWERS_NAMED]
        rest = len(whens) - len(said)
        said += [f"{rest} more"] if rest else []
        said += [OTHERWISE] if self.is_otherwise else []
        return ", ".join(filter(None, (" or ".join(said), self.problem)))

    @property
    def is_otherwise(self) -> bool:
        return OTHERWISE in self.whens

    @property
    def lines(self) -> list[str]:
        """The lines of the label. If the words are too long for the label and one of the conditions
        is "otherwise", the label shows no other condition."""
        most = 3 if self.problem else 2
        lines = wrap_text(self.words, MAX_LABEL_WIDTH, SMALL_LETTERS, most)
        if self.is_otherwise and any(line.endswith(ELLIPSIS) for line in lines):
            words = ", ".join(filter(None, (OTHERWISE, self.problem)))
            lines = wrap_text(words, MAX_LABEL_WIDTH, SMALL_LETTERS, most)
        return lines


def draw_flowchart(script: Script) -> Flowchart | None:
    """Return the flowchart of a script, or None if the flowchart would have more than MAX_EDGES
    edges (pieces of arrows).

    The script may have errors. If several steps have the same id, which is an error, the flowchart
    shows only the last of them. The flowchart shows no empty parts of the script, and no answers
    that do not fit their step's kind or the step's kind of answer.
    """
    return _FlowchartBuilder(drop_empty(script)).draw()


class _FlowchartBuilder:
    def __init__(self, script: Script) -> None:
        self.script = script
        # A step from a form may have no id. In this drawing "" is the start of the call.
        self.steps = {step.id: step for step in script.steps if step.id}
        self.numbers = {step_id: number for number, step_id in enumerate(self.steps, start=1)}
        self.connections = self._connect()
        self.layers = self._layers()
        self.reached = reachable_from(script, entry_step_ids(script))
        self.marks = {step_id: self._marks(step) for step_id, step in self.steps.items()}

    def _connect(self) -> list[_Connection]:
        """Return every connection. A connection that leads back, or to a step that does not exist,
        has a `problem`."""
        found: dict[tuple[str, str], _Connection] = {}

        def add(source: str, target: str, when: str) -> None:
            found.setdefault((source, target), _Connection(source, target)).whens.append(when)

        for branch in self.script.start:
            add("", branch.goto, describe_condition(branch))
        add("", self.script.steps[0].id, OTHERWISE if self.script.start else "")
        for step in self.steps.values():
            for transition in transitions_of(step) if not step.is_end else ():
                add(step.id, transition.goto, transition.when)
        for missing in found.values():
            if missing.target not in self.steps:
                missing.problem = "leads to no step"
                if missing.target:
                    missing.problem = f"leads to {missing.target}, which does not exist"
        for back in self._find_back_edges(found.values()):
            back.problem = f"back to step {self.numbers[back.target]}: a loop"
        return list(found.values())

    def _find_back_edges(self, connections: Iterable[_Connection]) -> list[_Connection]:
        """Return the connections that close a loop. This is a depth-first search with a stack. A
        connection closes a loop if it leads back to a step on the path that the search is
        following."""
        out: dict[str, list[_Connection]] = {}
        for connection in connections:
            if not connection.problem:
                out.setdefault(connection.source, []).append(connection)
        back: list[_Connection] = []
        done: set[str] = set()
        for root in ["", *self.steps]:
            trail = [root] if root not in done else []
            pending = [iter(out.get(root, ()))] if trail else []
            while pending:
                following = next(pending[-1], None)
                if following is None:
                    pending.pop()
                    done.add(trail.pop())
                elif following.target in trail:
                    back.append(following)
                elif following.target not in done:
                    trail.append(following.target)
                    pending.append(iter(out.get(following.target, ())))
        return back

    def _layers(self) -> dict[str, int]:
        """Return the layer of each step. The start of the call has layer 0.

        A step's layer is one more than the largest layer from which a connection leads to the step.
        Connections with a `problem` do not count. If no connection leads to a step, the step is
        placed beside the step before it in the script.
        """
        onwards: dict[str, list[str]] = {}
        arrivals = dict.fromkeys(self.steps, 0)
        for connection in self.connections:
            if not connection.problem:
                onwards.setdefault(connection.source, []).append(connection.target)
                arrivals[connection.target] += 1
        stray = [step_id for step_id, number in arrivals.items() if not number]
        order = ["", *stray]
        for step_id in order:
            for target in onwards.get(step_id, ()):
                arrivals[target] -= 1
                if not arrivals[target]:
                    order.append(target)

        def from_above(layers: dict[str, int]) -> dict[str, int]:
            for step_id in order:
                for target in onwards.get(step_id, ()):
                    layers[target] = max(layers.get(target, 1), layers[step_id] + 1)
            return layers

        layers = from_above({"": 0} | dict.fromkeys(stray, 1))
        # If no step leads to a step, it gets the layer of the step before it in the script.
        follows = dict(zip(self.steps, ["", *self.steps], strict=False))
        beside = {step_id: max(1, layers[follows[step_id]]) for step_id in stray}
        return from_above({"": 0} | beside) if stray else layers

    def _marks(self, step: Step) -> list[str]:
        marks = []
        if step.id not in self.reached:
            led_to = any(connection.target == step.id for connection in self.connections)
            marks.append("Never reached" if led_to else "Nothing leads here")
        if is_dead_end(step):
            marks.append("Dead end")
        return marks

    def draw(self) -> Flowchart | None:
        """Return the flowchart with every shape in its place, or None if it has more than MAX_EDGES
        edges."""
        boxes: dict[Key, Box] = {("step", i): self._box(step) for i, step in self.steps.items()}
        labels: dict[Key, Label] = {
            ("label", n): _label(connection) for n, connection in enumerate(self.connections)
        }
        sizes: dict[Key, tuple[float, float]] = {("start",): (2 * START, 2 * START)}
        sizes |= {key: (box.width, box.height) for key, box in boxes.items()}
        sizes |= {key: (label.width, label.height) for key, label in labels.items()}
        rows, edges = self._rows_and_edges()
        if len(edges) > MAX_EDGES:
            return None
        for row in rows:
            sizes |= {key: (LANE, 0.0) for key in row if key not in sizes}
        rows = order_rows(rows, edges)
        middles = position_nodes(rows, edges, {key: width for key, (width, _) in sizes.items()})
        positions: dict[Key, _Position] = {}
        y = float(MARGIN)
        for row in rows:
            row_bottom = y + max((sizes[key][1] for key in row), default=0.0)
            for key in row:
                positions[key] = _Position(middles[key] + MARGIN, y, y + sizes[key][1], row_bottom)
            y = row_bottom + BETWEEN_ROWS
        start = positions["start",]
        arrived_at = {edge.lower for edge in edges}
        return Flowchart(
            width=round(max(positions[key].x + sizes[key][0] / 2 for key in positions) + MARGIN, 1),
            height=round(y - BETWEEN_ROWS + MARGIN, 1),
            boxes=[
                replace(
                    box,
                    x=round(positions[key].x - box.width / 2, 1),
                    y=round(positions[key].top, 1),
                )
                for key, box in boxes.items()
            ],
            labels=[
                replace(label, x=round(positions[key].x, 1), y=round(positions[key].top, 1))
                for key, label in labels.items()
                if label.lines
            ],
            arrows=_arrows(edges, positions),
            heads=[_head(positions[key]) for key in boxes if key in arrived_at],
            start_x=round(start.x, 1),
            start_y=round(start.top + START, 1),
        )

    def _box(self, step: Step) -> Box:
        title = title_of(self.script, step.id) or "No title yet"
        lines = wrap_text(title, ROOM, LETTERS, 2)
        marks = self.marks[step.id]
        return Box(
            step_id=step.id,
            number=self.numbers[step.id],
            kind=STEP_KINDS.get(step.kind, ""),
            title=title,
            title_lines=lines,
            marks=marks,
            x=0,
            y=0,
            width=BOX_WIDTH,
            height=LINE * (1 + len(lines) + len(marks)) + 14,
            is_end=step.is_end,
        )

    def _rows_and_edges(self) -> tuple[list[list[Key]], list[Edge]]:
        """Return the rows of shapes from top to bottom, and the edges between the rows. The steps
        of a row are in the script's order.

        The steps of layer n are in row 2n, and the labels below them are in row 2n + 1. If a
        connection leads past a layer, it runs through lanes. A lane is a gap in a row. All
        connections to the same step share one lane in each row.
        """
        deepest = max(self.layers.values())
        rows: list[list[Key]] = [[] for _ in range(2 * deepest + 2)]
        rows[0].append(("start",))
        for step_id in self.steps:
            rows[2 * self.layers[step_id]].append(("step", step_id))
        edges: list[Edge] = []
        lanes: set[Key] = set()
        for number, connection in enumerate(self.connections):
            from_layer = self.layers[connection.source]
            here: Key = ("label", number)
            rows[2 * from_layer + 1].append(here)
            edges.append(
                Edge(("step", connection.source) if connection.source else ("start",), here, 2)
            )
            if connection.problem:
                continue
            last = 2 * self.layers[connection.target]
            for row in range(2 * from_layer + 2, last):
                lane: Key = ("lane", connection.target, row)
                edges.append(Edge(here, lane, 4))
                here = lane
                if lane in lanes:
                    break
                lanes.add(lane)
                rows[row].append(lane)
            else:
                edges.append(Edge(here, ("step", connection.target), 2))
        if not rows[-1]:
            rows.pop()
        return rows, edges


@dataclass(frozen=True)
class _Position:
    """The middle of a shape, its upper and lower edge, and the lower edge of its row."""

    x: float
    top: float
    bottom: float
    row_bottom: float


def _label(connection: _Connection) -> Label:
    lines = connection.lines
    width = max((text_width(line, SMALL_LETTERS) for line in lines), default=LANE)
    height = len(lines) * (LINE - 3) + 4 if lines else 0
    return Label(
        lines, connection.words, 0, 0, round(width, 1) + 8, height, bool(connection.problem)
    )


def _arrows(edges: list[Edge], positions: dict[Key, _Position]) -> list[Arrow]:
    """Draw the pieces of all arrows. Each piece goes from one shape to a shape in the row below:
    straight down to the lower edge of the first shape's row, then in a curve."""
    leaving: dict[Key, list[Key]] = {}
    for edge in edges:
        leaving.setdefault(edge.upper, []).append(edge.lower)
    ports: dict[tuple[Key, Key], float] = {}
    for upper, lowers in leaving.items():
        # Arrows leave a box side by side, in the order of their targets, so that they do not cross.
        lowers.sort(key=lambda key: positions[key].x)
        apart = min(24.0, BOX_WIDTH * 0.7 / len(lowers)) if upper[0] == "step" else 0.0
        for number, lower in enumerate(lowers):
            ports[upper, lower] = positions[upper].x + apart * (number - (len(lowers) - 1) / 2)
    arrows = []
    for edge in edges:
        upper, lower = edge.upper, edge.lower
        to_box = lower[0] == "step"
        from_x, above, below = ports[upper, lower], positions[upper], positions[lower]
        end = below.top - (HEAD if to_box else 0)
        half = (above.row_bottom + end) / 2
        path = (
            f"M{from_x:.1f} {above.bottom:.1f}V{above.row_bottom:.1f}"
            f"C{from_x:.1f} {half:.1f} {below.x:.1f} {half:.1f} {below.x:.1f} {end:.1f}"
        )
        source = upper[1] if upper[0] == "step" else ""
        arrows.append(Arrow(path, source, lower[1] if to_box else ""))
    return arrows


def _head(box: _Position) -> str:
    x, y = box.x, box.top
    return f"M{x:.1f} {y:.1f}L{x - 5:.1f} {y - HEAD - 1:.1f}H{x + 5:.1f}Z"
