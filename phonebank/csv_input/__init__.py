"""Reads tables that people upload. The modules of this package detect the kind of the file, its
encoding and what the columns contain. They also read the rows. The modules use neither the database
nor the current request."""
