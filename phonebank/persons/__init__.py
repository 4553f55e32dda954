"""For organisers: finds one person of a campaign, collects what is known about the person, and
changes the person's status or tags."""
