"""For organisers: finds one person of a campaign, collects what is known about them, and changes
their status."""
