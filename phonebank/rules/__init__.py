"""Who may be called, when and how often. These modules use no database and do not depend on a
request."""
