"""Contact lists: a spreadsheet read, mapped, turned into contacts and stored; undo."""
