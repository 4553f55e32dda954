"""The flowchart of a script: layout, text widths and drawing."""
