"""Compares the answers that the volunteers got with what the database has stored.

A wish is one request, in however many copies it travelled. It took effect at one moment between the
first copy's sending and the first acknowledgement. A wish that was never acknowledged may have
taken effect at any time, or never. So what is stored must be what some wish said, and no
acknowledged wish may have come wholly after that wish.
"""

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.history import PROMISE_ALLOWANCE, Promise

FOR_GOOD = float("inf")
# Both of these mean that the number may never be called again.
NEVER_AGAIN = ("do_not_call", "deceased")
# From the moment that one of these is sent, another caller may have the contact.
ENDS_A_SCREEN = ("outcome", "undo", "give_back", "next")


@dataclass
class Told:
    """One wish to change a call: the request and the answer. Times are in seconds."""

    kind: str
    value: Any
    sent_at: float
    told_at: float = FOR_GOOD
    told: Any = None

    @property
    def is_acknowledged(self) -> bool:
        return self.told_at < FOR_GOOD

    @property
    def says(self) -> Any:
        return self.told if self.is_acknowledged else self.value


@dataclass
class Journals:
    """The journals of all volunteers."""

    requests: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    vanished: int = 0
    # How often a volunteer found that they were removed.
    put_out: int = 0
    turned_away: int = 0
    # By call id: the promises, and for each refused renewal when it was sent and when the volunteer
    # heard that it was refused.
    promised: dict[str, list[Promise]] = field(default_factory=lambda: defaultdict(list))
    refused: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    # Answers that were not Phonebank's, counted by status.
    false_answers: Counter[str] = field(default_factory=Counter)
    # Outcomes and undos by call id; answers by call id and step.
    outcomes: dict[str, list[Told]] = field(default_factory=lambda: defaultdict(list))
    steps: dict[tuple[str, str], list[Told]] = field(default_factory=lambda: defaultdict(list))
    # By number: who had it on the screen from when to when, and in which call.
    screens: dict[str, list[tuple[float, float, int, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    phones: dict[str, str] = field(default_factory=dict)

    @property
    def acknowledged(self) -> int:
        """Outcomes that were acknowledged, each wish once."""
        return sum(
            wish.is_acknowledged
            for wishes in self.outcomes.values()
            for wish in wishes
            if wish.kind == "outcome"
        )

    @property
    def reopened(self) -> set[str]:
        """Calls that a volunteer wished to undo."""
        return {
            call
            for call, wishes in self.outcomes.items()
            if any(wish.kind == "undo" for wish in wishes)
        }


def read(paths: Iterable[Path]) -> Journals:
    """Read the journals of all volunteers."""
    journals = Journals()
    for volunteer, path in enumerate(sorted(paths)):
        reader = _Reader(journals, volunteer)
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            getattr(reader, entry["what"])(entry)
        reader.left({"at": FOR_GOOD})
    return journals


class _Reader:
    """Reads one journal line by line, with a method for each kind of line, by its name."""

    def __init__(self, journals: Journals, volunteer: int) -> None:
        self.journals = journals
        self.volunteer = volunteer
        self._wishes: dict[int, Told] = {}
        self._known: set[int] = set()
        # When each renewal was sent, by its wish, and when the one that was answered last was sent.
        self._renewals: dict[int, float] = {}
        self._answered_renewal: float | None = None
        # The call on the screen: its id, since when, and until when at most.
        self._screen: tuple[str, float, float] | None = None

    def sent(self, entry: dict[str, Any]) -> None:
        self.journals.requests += 1
        if entry["wish"] in self._known:
            return  # another copy
        self._known.add(entry["wish"])
        kind = entry.get("kind")
        if kind in ENDS_A_SCREEN:
            self._screen_ends(entry["at"])
        if kind == "renew":
            self._renewals[entry["wish"]] = entry["at"]
        if kind in ("outcome", "undo", "answer"):
            wish = Told(kind, entry.get("value"), entry["at"])
            self._wishes[entry["wish"]] = wish
            if kind == "answer":
                self.journals.steps[entry["call"], entry["step"]].append(wish)
            else:
                self.journals.outcomes[entry["call"]].append(wish)

    def told(self, entry: dict[str, Any]) -> None:
        self.journals.answers[f"{entry.get('kind', 'join')} {entry['status']}"] += 1
        self._answered_renewal = self._renewals.get(entry["wish"], self._answered_renewal)
        wish = self._wishes.get(entry["wish"])
        if wish and entry["status"] == 200 and not wish.is_acknowledged:
            wish.told_at, wish.told = entry["at"], entry.get("value")

    def shown(self, entry: dict[str, Any]) -> None:
        if not entry["phone"]:
            # After hours an undo lets the caller correct the outcome, and gives no number to call.
            self._screen_ends(entry["at"])
            return
        self.journals.phones[entry["call"]] = entry["phone"]
        if self._screen is None or self._screen[0] != entry["call"]:
            self._screen_ends(entry["at"])
            self._screen = (entry["call"], entry["at"], entry["until"])
        self.promised(entry)

    def promised(self, entry: dict[str, Any]) -> None:
        """A 200 said until when the contact is this volunteer's."""
        self.journals.promised[entry["call"]].append(
            Promise(entry["at"], entry["until"], entry.get("at_most", entry["until"]))
        )
        if self._screen is not None and self._screen[0] == entry["call"]:
            call, since, until = self._screen
            self._screen = (call, since, max(until, entry["until"]))

    def refused(self, entry: dict[str, Any]) -> None:
        """A renewal was answered that the call is no longer this volunteer's."""
        sent = self._answered_renewal
        self.journals.refused[entry["call"]].append((sent or entry["at"], entry["at"]))

    def false_answer(self, entry: dict[str, Any]) -> None:
        """Something between the phone and Phonebank answered in its place."""
        self.journals.false_answers[str(entry["status"])] += 1

    def turned_away(self, entry: dict[str, Any]) -> None:
        """The party was locked or had ended, or the campaign had. The volunteer goes to another."""
        self.journals.turned_away += 1

    def trouble(self, entry: dict[str, Any]) -> None:
        self.journals.troubles[entry["kind"]] += 1

    def fault(self, entry: dict[str, Any]) -> None:
        self.journals.faults.append(f"volunteer {self.volunteer}: {entry['text']}")

    def vanished(self, entry: dict[str, Any]) -> None:
        # The contact stays on the closed laptop's screen until the hold expires.
        self.journals.vanished += 1
        self._screen_ends(FOR_GOOD)

    def put_out(self, entry: dict[str, Any]) -> None:
        self.journals.put_out += 1
        self._screen_ends(entry["at"])

    def left(self, entry: dict[str, Any]) -> None:
        self._screen_ends(entry["at"])

    def _screen_ends(self, at: float) -> None:
        if self._screen is None:
            return
        call, since, until = self._screen
        self._screen = None
        end = min(at, until - PROMISE_ALLOWANCE)
        if since < end:
            phone = self.journals.phones[call]
            self.journals.screens[phone].append((since, end, self.volunteer, call))


def lost_or_changed(
    journals: Journals,
    outcomes: dict[str, str | None],
    answers: dict[tuple[str, str], Any],
) -> list[str]:
    """What was acknowledged and is not stored as acknowledged, in sentences."""
    faults = []
    for call, wishes in journals.outcomes.items():
        if call not in outcomes:
            faults.append(f"call {call} is gone")
        elif not _is_possible(outcomes[call], None, wishes):
            faults.append(f"call {call} is stored as {outcomes[call]}, but: {_story(wishes)}")
    for (call, step), wishes in journals.steps.items():
        if not _is_possible(answers.get((call, step)), None, wishes):
            kept = answers.get((call, step))
            faults.append(f"answer {step} of call {call} is stored as {kept}: {_story(wishes)}")
    return faults


def _is_possible(stored: Any, before: Any, wishes: list[Told]) -> bool:
    acknowledged = [wish for wish in wishes if wish.is_acknowledged]
    if not acknowledged and stored == before:
        return True
    last_sent = max((wish.sent_at for wish in acknowledged), default=0.0)
    return any(stored == wish.says for wish in wishes if wish.told_at >= last_sent)


def _story(wishes: list[Told]) -> str:
    return "; ".join(
        f"{wish.kind} {wish.value} sent {wish.sent_at:.3f}"
        + (f" acknowledged {wish.told_at:.3f} as {wish.told}" if wish.is_acknowledged else "")
        for wish in sorted(wishes, key=lambda wish: wish.sent_at)
    )


def on_two_screens(journals: Journals, taken_away: dict[str, float] | None = None) -> list[str]:
    """Numbers that two volunteers had on their screens at the same time.

    `taken_away`: by call id, when a call was taken from a volunteer who was removed. Their page
    shows the contact until it learns that.
    """
    ends = taken_away or {}
    faults = []
    for phone, shown in journals.screens.items():
        spans = sorted(
            (since, min(until, ends.get(call, FOR_GOOD)), volunteer, call)
            for since, until, volunteer, call in shown
        )
        for one, other in itertools.pairwise(spans):
            if other[0] < one[1] and one[2:] != other[2:]:
                faults.append(f"{phone} was on two screens at once: {one} and {other}")
    return faults


def never_again(journals: Journals) -> dict[str, float]:
    """When each number was acknowledged as never to be called again, and not undone."""
    return {
        journals.phones[call]: wish.told_at
        for call, wishes in journals.outcomes.items()
        for wish in wishes
        if wish.is_acknowledged and wish.told in NEVER_AGAIN and call not in journals.reopened
    }
