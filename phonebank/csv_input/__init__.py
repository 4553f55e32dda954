"""Tables that people upload: their file kinds, dialects, rows and columns. These modules use
neither the database nor the current request."""
