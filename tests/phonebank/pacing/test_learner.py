"""What a campaign learns from its lines and talks."""

import pytest

from phonebank.pacing.learner import Learner


def test_a_line_counts_only_when_its_ringing_would_be_over():
    """An answer comes sooner than no answer. If it counted at once, the rate would be too high."""
    learner = Learner(ring_seconds=25)
    for line in range(100):
        learner.dialled(line, at=0.0)
        if line % 4 == 0:
            learner.answered(line, after=10.0)
    assert learner.learned(24.0, [], []).tried == 4
    later = learner.learned(25.0, [], [])
    assert later.tried == 104
    assert later.answered == pytest.approx(26.2)


def test_the_rate_is_that_of_the_last_three_hundred_lines():
    learner = Learner(ring_seconds=25)
    for line in range(2000):
        learner.dialled(line, at=float(line))
        if line < 1000 or line % 10 == 0:
            learner.answered(line, after=5.0)
    learned = learner.learned(3000.0, [], [])
    assert learned.tried == 300
    assert learned.answer_rate == pytest.approx(0.13, abs=0.02)


def test_the_last_minute_is_compared_with_what_was_expected():
    learner = Learner(ring_seconds=25)
    for second in range(300):
        learner.dialled(second, at=float(second))
        if second % 10 == 0:
            learner.answered(second, after=8.0)
        ringing = [float(age) for age in range(min(second, 25))]
        learned = learner.learned(float(second), ringing, [])
    assert learned.last_minute == pytest.approx(6, abs=1)
    assert learned.expected == pytest.approx(6, abs=1.5)


def test_talks_under_way_count_for_the_ages_they_have_reached():
    learner = Learner(ring_seconds=25)
    for _ in range(50):
        learner.talk_ended(7.0)
    first = learner.learned(0.0, [], []).talk
    ended = Learner(ring_seconds=25)
    for _ in range(50):
        ended.talk_ended(7.0)
    long_ones = ended.learned(0.0, [], [100.0] * 50).talk
    assert first.chance_to_end(5.0, 5.0) == pytest.approx(0.92, abs=0.03)
    assert long_ones.chance_to_end(5.0, 5.0) < 0.6
    assert long_ones.chance_to_end(50.0, 24.0) < 0.3
