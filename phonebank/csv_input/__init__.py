"""Reads tables that people upload. These modules detect what kind of file a table is, how its text
is written and what its columns contain, and read its rows. They use neither the database nor the
current request."""
