"""The callers of a campaign, for hosts and organisers alike: admit, remove, rename, hide, pace."""
