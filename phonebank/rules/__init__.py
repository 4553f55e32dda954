"""Who may be called, when and how often. These modules use no database and know no request."""
