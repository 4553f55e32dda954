"""How a campaign reaches people: on callers' own phones, or through a telephone service."""
