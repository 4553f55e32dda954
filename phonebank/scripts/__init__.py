"""A campaign's scripts: which version callers see, and the pages to write them."""
