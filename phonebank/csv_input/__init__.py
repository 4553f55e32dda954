"""Tables that people upload: their file kinds, dialects, rows and columns. These modules use no
database and know no request."""
