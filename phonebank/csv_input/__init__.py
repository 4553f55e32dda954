"""Reads tables that people upload. The modules of this package detect the kind of an uploaded file,
its encoding, and what its columns contain. They also read the rows. The modules use neither the
database nor the current request."""
