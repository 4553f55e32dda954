"""The callers of a campaign, as hosts and organisers see and manage them.

Words used in this package:

- room: a caller's party, or the campaign itself for a caller who joined with the campaign's link
- open door (`door_open`): newcomers with the code or link are admitted immediately, except those
  who must wait because of their network address (`blocked_addresses`). If the door is closed,
  newcomers wait until a host or an organiser admits them
- held (`caller.held`): only an organiser can admit this caller, even if the door is open
- pace limit (in code, a budget): for example, how many people a caller may see within an hour
"""
