"""Simulated evenings of calling, which organisers ask for. A background job simulates the evenings,
and Redis stores the results."""

import json
from dataclasses import asdict, astuple, dataclass

from phonebank.core.redis import redis_store
from phonebank.pacing.rule import lines_to_dial, progressive
from phonebank.pacing.snapshot import Law
from phonebank.pacing_simulation.evening import Evening, Rule
from phonebank.pacing_simulation.figures import figures
from phonebank.pacing_simulation.setting import Setting

KEPT_SECONDS = 7 * 24 * 3600
# A worker that has not finished after this many seconds has died.
PLAYING_AT_MOST = 180
_PLAYING = "playing"

# With many callers fewer evenings are played, because each evening takes longer.
EVENINGS_AT_LEAST, EVENINGS_AT_MOST, CALLERS_PLAYED = 4, 12, 300
CALLERS_AT_MOST = 300


@dataclass(frozen=True)
class Question:
    """The kind of evening to simulate. There are `callers` callers, and `answers` in 100 people
    answer. A call takes `talk` seconds, including its wrap-up. By the country's law, at most
    `ceiling` in 1,000 people who answer may find no caller free."""

    callers: int
    answers: int
    talk: int
    ceiling: int


@dataclass(frozen=True)
class RuleFigures:
    """The results of simulated evenings with one rule for how many lines (telephone connections) to
    dial. A field with a name that ends in `_within` is half the width of a result's 95% confidence
    interval."""

    conversations: float  # an hour
    conversations_within: float
    waiting: float  # seconds between two calls
    share: float  # how many of the people who answer find nobody, from 0 to 1
    share_within: float
    worst_share: float


@dataclass(frozen=True)
class Simulation:
    """The results of the simulated evenings, for progressive and for predictive calling."""

    evenings: int
    progressive: RuleFigures
    predictive: RuleFigures


def simulation_of(question: Question) -> Simulation | None:
    """Return the results of the simulated evenings, or None if no results are stored, for example
    because the simulation is still running."""
    found = redis_store().get(_key(question))
    if not found or found == _PLAYING:
        return None
    data = json.loads(str(found))
    return Simulation(
        data["evenings"], RuleFigures(**data["progressive"]), RuleFigures(**data["predictive"])
    )


def is_playing(question: Question) -> bool:
    """Whether a simulation of such evenings has begun (see `begin`) and its results are not stored
    yet."""
    return redis_store().get(_key(question)) == _PLAYING


def begin(question: Question) -> bool:
    """Note in Redis that evenings of this kind are being simulated, and return True. Return False
    if this is already noted, or if the results are stored. Redis keeps the note for at most
    PLAYING_AT_MOST seconds, because the worker may die."""
    return bool(redis_store().set(_key(question), _PLAYING, nx=True, ex=PLAYING_AT_MOST))


def play(question: Question) -> None:
    """Simulate evenings of this kind, and store the results."""
    evenings = min(EVENINGS_AT_MOST, max(EVENINGS_AT_LEAST, CALLERS_PLAYED // question.callers))
    found = Simulation(
        evenings,
        progressive=_figures(question, progressive, evenings),
        predictive=_figures(question, lines_to_dial, evenings),
    )
    redis_store().set(_key(question), json.dumps(asdict(found)), ex=KEPT_SECONDS)


def _figures(question: Question, rule: Rule, evenings: int) -> RuleFigures:
    setting = Setting(
        callers=question.callers, answer_share=question.answers / 100, talk=float(question.talk)
    )
    law = Law(ceiling=question.ceiling / 1000)
    results = [Evening(setting, seed, rule, law).run() for seed in range(1, evenings + 1)]
    found = figures(results, law.ceiling)
    return RuleFigures(
        conversations=found.conversations.value,
        conversations_within=found.conversations.half_width,
        waiting=found.waiting.value,
        share=found.share.value,
        share_within=found.share.half_width,
        worst_share=found.worst_share,
    )


def _key(question: Question) -> str:
    return "simulation:" + ":".join(map(str, astuple(question)))
