"""An SQL condition for a line to a person. The condition is true if the person was talking with a
caller when the caller's line ended, and nobody recorded how the call ended."""

# The query must have the tables `line` and `call`, and the parameter `:caller` (LineSide.CALLER).
IS_LOST = """
line.joined_at IS NOT NULL AND call.outcome IS NULL AND call.ended_at IS NOT NULL AND EXISTS (
    SELECT FROM line AS own
    WHERE own.caller_id = line.caller_id AND own.side = :caller
      AND own.ended_at BETWEEN line.joined_at AND line.ended_at + interval '1 second'
)
"""
