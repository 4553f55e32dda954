"""The callers of a campaign, as hosts and organisers see and manage them.

Words used in this package:

- room: a caller's party, or the campaign itself for a caller who joined with the campaign's link
- open door (`door_open`): everyone with the code or link is admitted immediately. If the
  door is closed, newcomers wait until a host or an organiser admits them
- held (`caller.held`): only an organiser can admit this caller, even if the door is open
- pace limit (in code, a budget): how many people a caller may see or suppress in a given time
"""
