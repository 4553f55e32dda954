"""The organiser's pages about calls by machine: the simulation of an evening, and whether the calls
followed the rules."""
