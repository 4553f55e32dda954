"""Settings that describe the kind of evening to simulate."""

from dataclasses import dataclass

SHORT_TALK = 12.0  # seconds; the mean length of the talks that end quickly
SHORT_SHARE = 0.35  # the share of the talks that end quickly
WRAP_UP = (3.0, 12.0)
MEAN_WRAP_UP = sum(WRAP_UP) / 2


@dataclass(frozen=True, slots=True)
class Setting:
    """A kind of evening. Times are in seconds, except `hours`."""

    callers: int
    answer_share: float = 0.15  # the share of lines that a person answers
    talk: float = 90.0  # the mean of a talk and its wrap-up together
    machine_share: float = 0.20  # the share of lines that a machine answers
    hours: float = 3.0
    wrong_share: float = 0.08  # the share of lines that end after two seconds
    ring: tuple[float, float] = (4.0, 16.0)  # a person answers between these two times
    machine_ring: tuple[float, float] = (15.0, 22.0)
    ring_limit: float = 25.0  # a line that nobody answers ends after this long
    grace: float = 2.0  # a line joined with nobody for this long is abandoned
    drift: float = 0.3  # the answer rate swings by this share of itself, once in two hours
    stay: float | None = 75 * 60.0  # how long a caller stays, on average; None: all evening
    vanish_share: float = 0.1  # the share of leaving callers who vanish, even from a call
    away: float = 180.0  # how long until a caller who left is replaced, on average
    notice: float = 5.0  # how long a caller who vanished still looks ready
    plain: bool = False  # talks are exponential, with no wrap-up: for checks against closed forms
    tripling: bool = False  # the answer rate triples for 15 minutes
    half_vanish: bool = False  # half of the callers vanish at one moment, for good

    @property
    def long_talk(self) -> float:
        """The mean length, without the wrap-up, of the talks that do not end quickly. This length
        is computed from `talk`, which is the mean length of all talks, each with its wrap-up. The
        result is at least five seconds."""
        short = SHORT_SHARE * SHORT_TALK
        return max(5.0, (self.talk - MEAN_WRAP_UP - short) / (1 - SHORT_SHARE))
