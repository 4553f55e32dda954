"""What kind of evening is simulated."""

from dataclasses import dataclass

SHORT_TALK = 12.0  # seconds; the mean of the talks that end at once
SHORT_SHARE = 0.35  # of all talks
WRAP_UP = (3.0, 12.0)
MEAN_WRAP_UP = sum(WRAP_UP) / 2


@dataclass(frozen=True, slots=True)
class Setting:
    """An evening, before any chance has fallen. Times are in seconds unless their name says so."""

    callers: int
    answer_share: float = 0.15  # of the lines, that a person answers
    talk: float = 90.0  # the mean of a talk and its wrap-up together
    machine_share: float = 0.20  # of the lines, that a machine answers
    hours: float = 3.0
    wrong_share: float = 0.08  # of the lines, that end after two seconds
    ring: tuple[float, float] = (4.0, 16.0)  # a person answers between these
    machine_ring: tuple[float, float] = (15.0, 22.0)
    ring_limit: float = 25.0  # a line that nobody answers ends after so long
    grace: float = 2.0  # a person who is joined with nobody so long is abandoned
    drift: float = 0.3  # the answer rate swings by this share of itself, once in two hours
    stay: float | None = 75 * 60.0  # how long a caller stays, on average; None: all evening
    vanish_share: float = 0.1  # of the callers who leave, that vanish in the middle
    away: float = 180.0  # how long until a caller who left is replaced, on average
    notice: float = 5.0  # how long a caller who vanished still looks ready
    plain: bool = False  # talks are exponential, with no wrap-up: for checks against closed forms
    tripling: bool = False  # the answer rate triples for 15 minutes
    half_vanish: bool = False  # half of the callers vanish at one moment, for good

    @property
    def long_talk(self) -> float:
        """The mean of the talks that do not end at once, so that all talks have their mean."""
        short = SHORT_SHARE * SHORT_TALK
        return max(5.0, (self.talk - MEAN_WRAP_UP - short) / (1 - SHORT_SHARE))
