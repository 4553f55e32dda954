"""The picture of a script: its layout, the room its words need, the drawing."""
