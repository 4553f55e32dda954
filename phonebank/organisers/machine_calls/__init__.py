"""The organiser's pages about calls by machine: the simulation of an evening, and what the records
prove."""
