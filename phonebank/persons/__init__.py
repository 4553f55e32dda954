"""One person of a campaign, for an organiser: finding them, what is known, and acting on it."""
