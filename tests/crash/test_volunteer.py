"""The soak's volunteer itself."""

from pathlib import Path

from tests.crash.volunteer import Volunteer


def test_a_signal_in_the_middle_of_a_wait_does_not_hang_the_volunteer(tmp_path: Path) -> None:
    volunteer = Volunteer(
        {
            "paths": [],
            "ports": [],
            "hold_seconds": 10,
            "think_seconds": 1,
            "seed": 1,
            "journal": str(tmp_path / "journal"),
            "from_address": "127.0.0.1",
        }
    )
    # A handler runs in the thread that waits, and so perhaps while that thread has this lock.
    with volunteer.stopping._cond:  # type: ignore[attr-defined]
        volunteer.stop()
    assert volunteer.stopping.wait(10)
