"""A picture of a script: its steps from top to bottom, and arrows that say when each is taken.

Steps stand in layers by the longest way to them, so that every arrow points down. What is said
along an arrow has a place of its own under the step it comes from, and arrows that pass a layer go
through a gap kept for them: nothing is drawn over anything else. Arrows to the same step share
their gap. Ways that lead back, or to a step that is not there, end where they begin, and say so.
Pure; `templates/scripts/_flow.html` draws it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from phonebank.scripts.edit_actions import drop_empty
from phonebank.scripts.flowchart.layered_layout import Edge, order_rows, position_nodes
from phonebank.scripts.flowchart.text_metrics import ELLIPSIS, text_width, wrap_text
from phonebank.scripts.read_view import KINDS
from phonebank.scripts.transitions import OTHERWISE, describe_condition, title_of, transitions_of
from scripts_library.graph import entry_step_ids, is_dead_end, reachable_from
from scripts_library.script import Script, Step

# All in px at the size of drawing.
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
# Pieces of arrows. More is a thicket that nobody could read; the library's scripts have below 200.
MAX_EDGES = 6000
MAX_ANSWERS_NAMED = 3


@dataclass(frozen=True)
class Box:
    """A step. `marks` say what is wrong with where it stands; x and y are its upper left corner."""

    step_id: str
    number: int
    kind: str
    title: str
    title_lines: list[str]
    marks: list[str]
    x: float
    y: float
    width: float
    height: float
    is_end: bool


@dataclass(frozen=True)
class Label:
    """What is said along an arrow; x is its middle, y its upper edge. `whole` is not cut."""

    lines: list[str]
    whole: str
    x: float
    y: float
    width: float
    height: float
    is_faulty: bool


@dataclass(frozen=True)
class Arrow:
    """A piece of an arrow, as the d of an SVG path.

    `source` and `target` are step ids where the piece begins or ends at a box, else "".
    """

    path: str
    source: str
    target: str


@dataclass(frozen=True)
class Flowchart:
    """Boxes in the script's order, labels, arrows and their heads (paths like theirs).

    The call begins at a dot whose middle is (start_x, start_y).
    """

    width: float
    height: float
    boxes: list[Box]
    labels: list[Label]
    arrows: list[Arrow]
    heads: list[str]
    start_x: float
    start_y: float


# ("start",), ("step", its id), ("way", its number), ("lane", the step it leads to, the row).
Key = tuple[Any, ...]


@dataclass
class _Way:
    """All ways from one thing to the same target, together."""

    source: str  # "" is the start of the call
    target: str
    whens: list[str] = field(default_factory=list)
    diagnostic: str = ""

    @property
    def words(self) -> str:
        whens = [when for when in self.whens if when not in ("", OTHERWISE)]
        said = whens[:MAX_ANSWERS_NAMED]
        rest = len(whens) - len(said)
        said += [f"{rest} more"] if rest else []
        said += [OTHERWISE] if self.is_otherwise else []
        return ", ".join(filter(None, (" or ".join(said), self.diagnostic)))

    @property
    def is_otherwise(self) -> bool:
        return OTHERWISE in self.whens

    @property
    def lines(self) -> list[str]:
        """The words as there is room for them. Where not all fit, that it is the way that is left
        says more than some of the answers that take it."""
        most = 3 if self.diagnostic else 2
        lines = wrap_text(self.words, MAX_LABEL_WIDTH, SMALL_LETTERS, most)
        if self.is_otherwise and any(line.endswith(ELLIPSIS) for line in lines):
            words = ", ".join(filter(None, (OTHERWISE, self.diagnostic)))
            lines = wrap_text(words, MAX_LABEL_WIDTH, SMALL_LETTERS, most)
        return lines


def draw_flowchart(script: Script) -> Flowchart | None:
    """The picture of a script, faulty or not; None for one too tangled to draw.

    Of steps with the same id, which only a faulty script has, the last is drawn. Answers that a
    form still holds of a kind that its step no longer has lead nowhere.
    """
    return _FlowchartBuilder(drop_empty(script)).picture()


class _FlowchartBuilder:
    def __init__(self, script: Script) -> None:
        self.script = script
        # A form may hold a step without an id; "" is the start of the call here.
        self.steps = {step.id: step for step in script.steps if step.id}
        self.numbers = {step_id: number for number, step_id in enumerate(self.steps, start=1)}
        self.ways = self._ways()
        self.layers = self._layers()
        self.reached = reachable_from(script, entry_step_ids(script))
        self.marks = {step_id: self._marks(step) for step_id, step in self.steps.items()}

    def _ways(self) -> list[_Way]:
        """Every way there is, those that lead nowhere or back marked so."""
        found: dict[tuple[str, str], _Way] = {}

        def add(source: str, target: str, when: str) -> None:
            found.setdefault((source, target), _Way(source, target)).whens.append(when)

        for branch in self.script.start:
            add("", branch.goto, describe_condition(branch))
        add("", self.script.steps[0].id, OTHERWISE if self.script.start else "")
        for step in self.steps.values():
            for way in transitions_of(step) if not step.is_end else ():
                add(step.id, way.goto, way.when)
        for missing in found.values():
            if missing.target not in self.steps:
                missing.diagnostic = f"leads to {missing.target or 'no step'}, which does not exist"
        for back in self._find_back_edges(found.values()):
            back.diagnostic = f"back to step {self.numbers[back.target]}: a loop"
        return list(found.values())

    def _find_back_edges(self, ways: Iterable[_Way]) -> list[_Way]:
        """The ways that lead back to where one has come from. Depth first, with our own stack."""
        out: dict[str, list[_Way]] = {}
        for sound in ways:
            if not sound.diagnostic:
                out.setdefault(sound.source, []).append(sound)
        back: list[_Way] = []
        done: set[str] = set()
        for root in ["", *self.steps]:
            trail = [root] if root not in done else []
            ways_on_trail = [iter(out.get(root, ()))] if trail else []
            while ways_on_trail:
                way = next(ways_on_trail[-1], None)
                if way is None:
                    ways_on_trail.pop()
                    done.add(trail.pop())
                elif way.target in trail:
                    back.append(way)
                elif way.target not in done:
                    trail.append(way.target)
                    ways_on_trail.append(iter(out.get(way.target, ())))
        return back

    def _layers(self) -> dict[str, int]:
        """Each step's layer: one below the lowest that leads to it. The start is layer 0."""
        onwards: dict[str, list[str]] = {}
        arrivals = dict.fromkeys(self.steps, 0)
        for way in self.ways:
            if not way.diagnostic:
                onwards.setdefault(way.source, []).append(way.target)
                arrivals[way.target] += 1
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
        # A step that nothing leads to stands beside the one that it follows in the script.
        follows = dict(zip(self.steps, ["", *self.steps], strict=False))
        beside = {step_id: max(1, layers[follows[step_id]]) for step_id in stray}
        return from_above({"": 0} | beside) if stray else layers

    def _marks(self, step: Step) -> list[str]:
        marks = []
        if step.id not in self.reached:
            led_to = any(way.target == step.id for way in self.ways)
            marks.append("Never reached" if led_to else "Nothing leads here")
        if is_dead_end(step):
            marks.append("Dead end")
        return marks

    def picture(self) -> Flowchart | None:
        """Everything in its place; None for what is too tangled."""
        boxes: dict[Key, Box] = {("step", i): self._box(step) for i, step in self.steps.items()}
        labels: dict[Key, Label] = {("way", n): _label(way) for n, way in enumerate(self.ways)}
        sizes: dict[Key, tuple[float, float]] = {("start",): (2 * START, 2 * START)}
        sizes |= {key: (box.width, box.height) for key, box in boxes.items()}
        sizes |= {key: (label.width, label.height) for key, label in labels.items()}
        rows, joins = self._rows_and_joins()
        if len(joins) > MAX_EDGES:
            return None
        for row in rows:
            sizes |= {key: (LANE, 0.0) for key in row if key not in sizes}
        rows = order_rows(rows, joins)
        middles = position_nodes(rows, joins, {key: width for key, (width, _) in sizes.items()})
        spots: dict[Key, _Spot] = {}
        y = float(MARGIN)
        for row in rows:
            floor = y + max((sizes[key][1] for key in row), default=0.0)
            for key in row:
                spots[key] = _Spot(middles[key] + MARGIN, y, y + sizes[key][1], floor)
            y = floor + BETWEEN_ROWS
        start = spots["start",]
        arrived_at = {join.lower for join in joins}
        return Flowchart(
            width=round(max(spots[key].x + sizes[key][0] / 2 for key in spots) + MARGIN, 1),
            height=round(y - BETWEEN_ROWS + MARGIN, 1),
            boxes=[
                replace(box, x=round(spots[key].x - box.width / 2, 1), y=round(spots[key].top, 1))
                for key, box in boxes.items()
            ],
            labels=[
                replace(label, x=round(spots[key].x, 1), y=round(spots[key].top, 1))
                for key, label in labels.items()
                if label.lines
            ],
            arrows=_arrows(joins, spots),
            heads=[_head(spots[key]) for key in boxes if key in arrived_at],
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
            kind=KINDS.get(step.kind, ""),
            title=title,
            title_lines=lines,
            marks=marks,
            x=0,
            y=0,
            width=BOX_WIDTH,
            height=LINE * (1 + len(lines) + len(marks)) + 14,
            is_end=step.is_end,
        )

    def _rows_and_joins(self) -> tuple[list[list[Key]], list[Edge]]:
        """Layers and, between them, rows for the words along arrows, each in the script's order.

        Layer n is row 2n. Ways that take several layers run in a gap ("lane") for each target.
        """
        deepest = max(self.layers.values())
        rows: list[list[Key]] = [[] for _ in range(2 * deepest + 2)]
        rows[0].append(("start",))
        for step_id in self.steps:
            rows[2 * self.layers[step_id]].append(("step", step_id))
        joins: list[Edge] = []
        lanes: set[Key] = set()
        for number, way in enumerate(self.ways):
            from_layer = self.layers[way.source]
            here: Key = ("way", number)
            rows[2 * from_layer + 1].append(here)
            joins.append(Edge(("step", way.source) if way.source else ("start",), here, 2))
            if way.diagnostic:
                continue
            last = 2 * self.layers[way.target]
            for row in range(2 * from_layer + 2, last):
                lane: Key = ("lane", way.target, row)
                joins.append(Edge(here, lane, 4))
                here = lane
                if lane in lanes:
                    break
                lanes.add(lane)
                rows[row].append(lane)
            else:
                joins.append(Edge(here, ("step", way.target), 2))
        if not rows[-1]:
            rows.pop()
        return rows, joins


@dataclass(frozen=True)
class _Spot:
    """Where something stands: its middle, its upper and lower edge, and the end of its row."""

    x: float
    top: float
    foot: float
    floor: float


def _label(way: _Way) -> Label:
    lines = way.lines
    width = max((text_width(line, SMALL_LETTERS) for line in lines), default=LANE)
    height = len(lines) * (LINE - 3) + 4 if lines else 0
    return Label(lines, way.words, 0, 0, round(width, 1) + 8, height, bool(way.diagnostic))


def _arrows(joins: list[Edge], spots: dict[Key, _Spot]) -> list[Arrow]:
    """Every join: straight down to the end of its row, then a curve to where it goes."""
    leaving: dict[Key, list[Key]] = {}
    for join in joins:
        leaving.setdefault(join.upper, []).append(join.lower)
    ports: dict[tuple[Key, Key], float] = {}
    for upper, lowers in leaving.items():
        # Several arrows leave a box side by side, in the order in which they arrive.
        lowers.sort(key=lambda key: spots[key].x)
        apart = min(24.0, BOX_WIDTH * 0.7 / len(lowers)) if upper[0] == "step" else 0.0
        for number, lower in enumerate(lowers):
            ports[upper, lower] = spots[upper].x + apart * (number - (len(lowers) - 1) / 2)
    arrows = []
    for join in joins:
        upper, lower = join.upper, join.lower
        to_box = lower[0] == "step"
        from_x, above, below = ports[upper, lower], spots[upper], spots[lower]
        end = below.top - (HEAD if to_box else 0)
        half = (above.floor + end) / 2
        path = (
            f"M{from_x:.1f} {above.foot:.1f}V{above.floor:.1f}"
            f"C{from_x:.1f} {half:.1f} {below.x:.1f} {half:.1f} {below.x:.1f} {end:.1f}"
        )
        source = upper[1] if upper[0] == "step" else ""
        arrows.append(Arrow(path, source, lower[1] if to_box else ""))
    return arrows


def _head(box: _Spot) -> str:
    x, y = box.x, box.top
    return f"M{x:.1f} {y:.1f}L{x - 5:.1f} {y - HEAD - 1:.1f}H{x + 5:.1f}Z"
