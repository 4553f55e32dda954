"""An organiser at work while everything is killed: pauses, takes lists out, limits and removes.

One deed after another, each tried again until it is known to have been done; `orders` keeps what
was ordered and from when until when.
"""

import itertools
import random
from collections import Counter
from collections.abc import Callable

from sqlalchemy import select

from callers import limits, roster
from phonebank.campaigns import verbs as campaigns
from phonebank.lists import verbs as lists
from phonebank.models import Caller, Campaign, ContactList, now
from phonebank.models.caller import ADMITTED
from phonebank.stores import db
from tests.crash.orders import LIMITED, PAUSED, PUT_OUT, TAKEN_OUT, Orders
from tests.crash.world import World

# Languages that callers are put down for: those who name none ring in the campaign's own.
LANGUAGES = ([], [], ["en", "cy"], ["cy"])
LANGUAGES_SHARES = (4, 2, 3, 1)


class Organiser:
    """Raises what the stores raise when they are away; the next `act` tries the same again."""

    def __init__(self, world: World, dice: random.Random) -> None:
        self.world, self.dice = world, dice
        self.orders = Orders()
        self.done: Counter[str] = Counter()
        # Removals begun: an upper bound of how many callers find themselves put out.
        self.removals_begun = 0
        ids = itertools.cycle((world.any_hour_id, world.by_the_clock_id))
        self._deeds = itertools.chain.from_iterable(self._round(campaign_id) for campaign_id in ids)
        self._next: Callable[[], None] | None = None

    def act(self) -> None:
        """Change some callers' limits, and do the next deed of the round."""
        for _ in range(3):
            self._limit_somebody()
        if self._next is None:
            self._next = next(self._deeds)
        self._next()
        self._next = None

    def lift_everything(self) -> None:
        """Let everyone ring everybody again."""
        for campaign_id in (self.world.any_hour_id, self.world.by_the_clock_id):
            self._resume(campaign_id)
            for list_id in self._lists(campaign_id):
                self._put_back(list_id)

    def _round(self, campaign_id: int) -> list[Callable[[], None]]:
        """What is done in one round; some of it holds until the deed after next."""
        list_id = self.dice.choice(self._lists(campaign_id))
        return [
            lambda: self._pause(campaign_id),
            lambda: self._resume(campaign_id),
            lambda: self._take_out(list_id),
            self._remove_somebody,
            lambda: self._put_back(list_id),
            self._remove_somebody,
        ]

    def _pause(self, campaign_id: int) -> None:
        campaign = self._campaign(campaign_id)
        if campaign.is_running:
            campaigns.move(campaign, "pause")
            db.session.commit()
        self.orders.stands(PAUSED, campaign_id)
        self.done["paused"] += 1

    def _resume(self, campaign_id: int) -> None:
        self.orders.is_lifted(PAUSED, campaign_id)
        campaign = self._campaign(campaign_id)
        if not campaign.is_running:
            campaigns.move(campaign, "resume")
        db.session.commit()

    def _take_out(self, list_id: int) -> None:
        lists.take_out_of_calling(db.session.get_one(ContactList, list_id))
        db.session.commit()
        self.orders.stands(TAKEN_OUT, list_id)
        self.done["lists taken out"] += 1

    def _put_back(self, list_id: int) -> None:
        self.orders.is_lifted(TAKEN_OUT, list_id)
        lists.put_back_into_calling(db.session.get_one(ContactList, list_id))
        db.session.commit()

    def _limit_somebody(self) -> None:
        caller = self._somebody()
        if caller is None:
            return
        caller_id, campaign = caller.id, db.session.get_one(Campaign, caller.campaign_id)
        chosen = self.dice.sample(self._lists(campaign.id), self.dice.choice((0, 0, 1, 2)))
        languages = self.dice.choices(LANGUAGES, LANGUAGES_SHARES)[0]
        self.orders.is_lifted(LIMITED, caller_id)
        limits.keep_to_lists(campaign, caller, chosen)
        limits.choose_languages(campaign, caller, languages)
        spoken = limits.languages_spoken(campaign, caller)
        db.session.commit()
        self.orders.stands(LIMITED, caller_id, limits=(chosen, spoken))
        self.done["callers limited"] += 1

    def _remove_somebody(self) -> None:
        """Put out a caller, and leave the door open all the same: another comes in their place."""
        caller = self._somebody()
        if caller is None:
            return
        caller_id, campaign = caller.id, self._campaign(caller.campaign_id)
        party = caller.party
        self.removals_begun += 1
        roster.remove(campaign, caller)
        campaigns.open_door(campaign, True)
        if party is not None:
            party.door_open = True
        db.session.commit()
        self.orders.stands(PUT_OUT, caller_id)
        self.done["callers removed"] += 1

    def _somebody(self) -> Caller | None:
        """One of those who were here last."""
        recent = db.session.scalars(
            select(Caller)
            .where(Caller.state == ADMITTED, Caller.seen_at <= now())
            .order_by(Caller.seen_at.desc())
            .limit(40)
        ).all()
        return self.dice.choice(recent) if recent else None

    @staticmethod
    def _campaign(campaign_id: int) -> Campaign:
        return db.session.get_one(Campaign, campaign_id)

    def _lists(self, campaign_id: int) -> list[int]:
        return self.world.list_ids[campaign_id]
