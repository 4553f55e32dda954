"""Contact lists: a spreadsheet read, mapped and turned into contacts; pure, no SQL."""
