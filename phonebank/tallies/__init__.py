"""The totals of calls, by campaign, party, caller and hour, and the proof that they are correct."""
