"""Measures how the duration of a claim (giving a caller the next person) and the memory of Redis
depend on the number of contacts in a campaign.

The bars (docs/benchmarks.md): a claim's duration is measured in a campaign of ten thousand contacts
and in one of three million. At the 95th percentile, the longer duration is at most 1.2 times the
shorter one. Redis needs less than 50 MB for the queues of all campaigns together. All campaigns are
in one database, and each round measures every campaign, so that other load on the machine affects
all of them alike.
"""

import os
import sys
from dataclasses import dataclass, field

from redis import Redis

from bench import people
from bench.load import Measurement, load
from bench.people import Device
from bench.servers import migrated_app, stores, web
from phonebank.core.redis import redis_store

BAR = 1.2
REDIS_BAR = 50_000_000  # bytes
SIZES = (10_000, 300_000, 3_000_000)
QUICK_SIZES = (10_000, 300_000)
# How many callers claim at the same time. These are so few that the server refuses none of them
# (`phonebank.core.overload`).
CLAIMERS = (2, 10)
WORKERS = 2


@dataclass
class Campaign:
    """A campaign, its callers, and the measured rounds. `rounds` has a list of rounds for each
    number of claimers. (Claimers are callers who claim people at the same time.)"""

    id: int
    contacts: int
    link: str
    devices: list[Device] = field(default_factory=list)
    rounds: dict[int, list[Measurement]] = field(default_factory=dict)

    def combine(self, claimers: int) -> Measurement:
        """Return all rounds with this number of claimers, joined into one. The result has no
        processor times."""
        rounds = self.rounds[claimers]
        return Measurement(
            [took for one in rounds for took in one.took],
            sum(one.missed for one in rounds),
            sum(one.seconds for one in rounds),
            sum(one.bytes for one in rounds),
            {},
        )


def main(quick: bool = False) -> bool:
    """Measure, print percentiles and memory, and return whether both bars were kept."""
    seconds, rounds = (3, 3) if quick else (5, 6)
    with stores() as environment:
        app = migrated_app(environment)
        campaigns = []
        with app.app_context():
            for contacts in QUICK_SIZES if quick else SIZES:
                campaign_id, link = people.build(contacts)
                campaigns.append(Campaign(campaign_id, contacts, link))
            redis = redis_store()
            before = _memory(redis)
        with web(environment, "wsgi:app", WORKERS) as port:
            for campaign in campaigns:
                campaign.devices = people.join_callers(port, campaign.link, max(CLAIMERS))
            for claimers in CLAIMERS:
                for number in range(rounds):
                    for campaign in campaigns:
                        once = load(
                            port, "wsgi:app", "claims", campaign.devices[:claimers], seconds
                        )
                        # The first round only warms up the workers and the lists.
                        if number:
                            campaign.rounds.setdefault(claimers, []).append(once)
        whole = _memory(redis) - before
        print("claimers  contacts  claims/s     p50     p95     p99 ms  without a person")
        for claimers in CLAIMERS:
            for campaign in campaigns:
                print(_line(claimers, campaign.contacts, campaign.combine(claimers)))
        for campaign in campaigns:
            print(
                f"Redis for {campaign.contacts:9,} contacts: {_keys(redis, campaign.id):9,} bytes"
            )
    tails = [campaign.combine(CLAIMERS[0]).percentile(0.95) for campaign in campaigns]
    ratio = max(tails[0], tails[-1]) / min(tails[0], tails[-1])
    print(
        f"p95 of shortest and longest list, {CLAIMERS[0]} claimers: {ratio:.2f} apart (bar: {BAR});"
        f" Redis in all: {whole:,} bytes (bar: {REDIS_BAR:,}); {WORKERS} web workers,"
        f" load average {os.getloadavg()[0]:.1f}"
    )
    return ratio <= BAR and whole < REDIS_BAR


def _line(claimers: int, contacts: int, measurement: Measurement) -> str:
    tail = " ".join(f"{measurement.percentile(share):7.1f}" for share in (0.5, 0.95, 0.99))
    return f"{claimers:8} {contacts:9,} {measurement.a_second:9.0f} {tail}     {measurement.missed}"


def _memory(redis: Redis) -> int:
    return int(redis.info("memory")["used_memory"])


def _keys(redis: Redis, campaign_id: int) -> int:
    """Return how many bytes the campaign's queue takes in Redis."""
    keys = redis.scan_iter(f"queue:{{{campaign_id}}}:*", 1000)
    return sum(int(redis.memory_usage(key, samples=0) or 0) for key in keys)


if __name__ == "__main__":
    sys.exit(not main(bool(os.environ.get("BENCH_QUICK"))))
