"""Trainings: events at which callers make practice calls. A trainer gives callers who have
practised the trained mark, which a campaign may require."""
