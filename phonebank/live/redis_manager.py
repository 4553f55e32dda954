"""Socket.IO's record of connected sockets across processes, with one change of ours."""

from socketio import RedisManager


class DisconnectingRedisManager(RedisManager):
    """Closing a room disconnects its sockets in every process. The library would leave them open,
    and nothing would reach them.

    The library calls `basic_close_room` in each process when a room is closed anywhere.
    """

    def basic_close_room(self, room: str, namespace: str) -> None:
        for sid, _ in list(self.get_participants(namespace, room)):
            self.server.disconnect(sid, namespace=namespace, ignore_queue=True)
