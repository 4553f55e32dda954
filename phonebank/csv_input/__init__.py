"""Tables that people upload: their file kinds, dialects, rows and columns. Pure functions."""
