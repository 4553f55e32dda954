"""An SQL condition that is true for a line to a person if the line of the person's caller ended in
the middle of the conversation."""

# A person was lost if their caller's own line ended while the two talked, and nobody recorded how
# the call ended. It needs `line`, `call` and the parameter `:caller` (LineSide.CALLER).
IS_LOST = """
line.joined_at IS NOT NULL AND call.outcome IS NULL AND call.ended_at IS NOT NULL AND EXISTS (
    SELECT FROM line AS own
    WHERE own.caller_id = line.caller_id AND own.side = :caller
      AND own.ended_at BETWEEN line.joined_at AND line.ended_at + interval '1 second'
)
"""
