"""A hundred volunteers on real lines, with as many people as the dialler can call:
`make test-calls CALLS="calls and load" ARGS=-s`."""

import os
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from sqlalchemy import func, select, text

from phonebank.calls.record import record as record_outcome
from phonebank.core.db import db
from phonebank.core.errors import PhonebankError
from phonebank.models import Call, Caller, Line, LineSide, now
from phonebank.telephony.sessions import connect, set_ready
from tests.calls.test_dialler import Evening, evening
from tests.factories import create_caller, create_contact

pytestmark = [
    pytest.mark.calls,
    pytest.mark.load,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("clean_stores"),
]
__all__ = ["evening"]  # a fixture

VOLUNTEERS = 100
SECONDS = 40
# In ten people: five talk for two seconds, two are busy, two have no such number, one refuses.
ENDS = (2, 2, 2, 2, 2, 3, 3, 4, 4, 6)
ENDED_TALKS = text("""
SELECT call.caller_id, call.id FROM call JOIN line ON line.call_id = call.id
WHERE call.ended_at IS NULL AND line.side = 'person' AND line.joined_at IS NOT NULL
  AND line.ended_at IS NOT NULL
""")


def record_talks(evening: Evening, stop: threading.Event, app) -> None:
    """Record how each talk ended, as its volunteer would, until `stop` is set."""
    with app.app_context():
        while not stop.wait(0.1):
            for caller_id, call_id in db.session.execute(ENDED_TALKS).all():
                try:
                    record_outcome(db.session.get(Caller, caller_id), call_id, "talked")
                    db.session.commit()
                except PhonebankError:
                    db.session.rollback()
            db.session.rollback()
            db.session.expire_all()


def share(numbers: list[float], part: float) -> float:
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def processor_seconds(*processes: int) -> list[float]:
    found = [psutil.Process(pid).cpu_times() for pid in processes]
    return [times.user + times.system for times in found]


def test_a_hundred_volunteers(app, evening):
    for n in range(10_000):
        create_contact(evening.list, phone=f"+44770{n:06d}{ENDS[n % 10]}"[:13])
    callers = [
        create_caller(evening.campaign, promised_at=datetime.now(UTC)) for _ in range(VOLUNTEERS)
    ]
    db.session.commit()
    for n, caller in enumerate(callers):
        connect(caller, f"+44207946{n:03d}9")
    db.session.commit()
    evening.start_dialler()
    of_callers = Line.side == LineSide.CALLER, Line.answered_at.is_not(None)
    answered = select(func.count()).where(*of_callers)
    evening.wait(lambda: db.session.scalar(answered) == VOLUNTEERS, seconds=60)
    stop = threading.Event()
    recorder = threading.Thread(target=record_talks, args=(evening, stop, app))
    recorder.start()
    watched = (evening.asterisk.process.pid, evening.processes.running[0].pid)
    before, began = processor_seconds(*watched), time.monotonic()
    for caller in callers:
        set_ready(caller, True)
    db.session.commit()
    started_at = now()
    time.sleep(SECONDS)
    took = time.monotonic() - began
    used = [b - a for a, b in zip(before, processor_seconds(*watched), strict=True)]
    for caller in callers:
        set_ready(caller, False)
    db.session.commit()
    evening.wait(lambda: all(x.ended_at for x in evening.people_lines()), seconds=60)
    open_calls = select(func.count()).where(Call.ended_at.is_(None))
    evening.wait(lambda: db.session.scalar(open_calls) == 0)
    stop.set()
    recorder.join()
    lines = evening.people_lines()
    ends_at = started_at + timedelta(seconds=took)
    dialled = [x for x in lines if x.dialled_at and x.dialled_at < ends_at]
    waits = [(x.joined_at - x.answered_at).total_seconds() for x in lines if x.joined_at]
    print(
        f"\n{VOLUNTEERS} volunteers, {took:.0f} s: {len(dialled)} dials ="
        f" {len(dialled) / took:.1f}/s; {len(waits)} joined;"
        f" answer to joined p50 {1000 * share(waits, 0.5):.0f} ms,"
        f" p99 {1000 * share(waits, 0.99):.0f} ms; processor: Asterisk {100 * used[0] / took:.0f}%,"
        f" dialler {100 * used[1] / took:.0f}% of a core; load average {os.getloadavg()[0]:.1f}"
    )
    print(Counter(str(x.cause) for x in lines))
    assert all(x.cause for x in lines), "no line is unknown"
    called = Counter(n for n in evening.asterisk.called() if n.startswith("+44770"))
    assert sum(called.values()) == len(lines)
    assert set(called.values()) == {1}, "nobody was called twice"
    assert len(dialled) / took >= 20
