"""The permanent record of what organisers did."""
