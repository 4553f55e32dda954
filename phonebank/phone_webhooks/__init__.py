"""What providers of telephone lines tell us over HTTP. For programs alone; no person opens it."""
