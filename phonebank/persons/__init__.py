"""One person of a campaign, for an organiser: finds them, collects what is known about them, and
changes their status."""
