"""A campaign from draft to end: set up, run, pause, and see where it stands."""
