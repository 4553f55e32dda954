"""The pages about people's data: one person's file and erasure, who saw whom, and what organisers
did."""
