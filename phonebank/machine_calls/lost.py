"""An SQL condition on a line to a person. A line is a telephone connection, either to a person or
to a caller. The condition is true if the caller's line ended after the two lines were joined, and
at most a second after the end of the person's line. The call must also have ended without an
outcome."""

# The query must have the tables `line` and `call`, and the parameter `:caller` (LineSide.CALLER).
IS_LOST = """
line.joined_at IS NOT NULL AND call.outcome IS NULL AND call.ended_at IS NOT NULL AND EXISTS (
    SELECT FROM line AS own
    WHERE own.caller_id = line.caller_id AND own.side = :caller
      AND own.ended_at BETWEEN line.joined_at AND line.ended_at + interval '1 second'
)
"""
