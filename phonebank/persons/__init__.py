"""For organisers: finds people of campaigns, collects what is known about one person, and changes
this person's status or tags."""
