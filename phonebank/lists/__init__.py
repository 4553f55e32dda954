"""Contact lists: upload a spreadsheet, map its columns, import its contacts, and undo the
import."""
