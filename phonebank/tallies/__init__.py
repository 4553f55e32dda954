"""The totals of calls by campaign, party, caller and hour, and the recount that checks these
totals."""
