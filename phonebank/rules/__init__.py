"""Who may be called, when and how often. Pure: no database, no web."""
