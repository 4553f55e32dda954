"""Reads tables that people upload. The modules of this package detect what kind of file a table is,
how its text is written and what its columns contain, and read its rows. The modules use neither the
database nor the current request."""
