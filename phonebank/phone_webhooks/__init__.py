"""What providers of telephone lines tell us over HTTP. Only programs use these addresses."""
