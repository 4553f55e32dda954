"""Reading tables that people upload: file kinds, dialects, rows, and columns. Pure."""
