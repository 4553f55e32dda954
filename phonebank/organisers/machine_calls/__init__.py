"""The organiser's pages about calls that a machine dials. One page simulates evenings of such
calls. Another page shows whether a day's calls followed the rules."""
