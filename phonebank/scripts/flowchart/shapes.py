"""The shapes of a flowchart, as the template draws them. All measures are in px."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """The box of a step. (x, y) is the box's upper left corner. `marks` say what is wrong with the
    step, such as "Dead end"."""

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
    """The label of an arrow: the arrow's conditions, and what is wrong with the arrow. `x` is the
    label's middle, `y` is its upper edge, and `whole` is the uncut text."""

    lines: list[str]
    whole: str
    x: float
    y: float
    width: float
    height: float
    is_faulty: bool


@dataclass(frozen=True)
class Arrow:
    """A piece of an arrow. `path` is the `d` attribute of an SVG path.

    `source` is the id of the step at whose box the piece begins. `target` is the id of the step at
    whose box the piece ends. Each is "" if there is no box at that end.
    """

    path: str
    source: str
    target: str


@dataclass(frozen=True)
class Flowchart:
    """A drawing: boxes in the script's order, labels, arrows, and the paths of arrowheads.

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
