"""A small server that test_connection.py kills, restarts and disturbs. Its only data is a number
with a version.

    python line_server.py PORT VERSION

It is a real Flask-SocketIO over a real websocket, with Phonebank's own layout and module.
"""

import sys
import time
from pathlib import Path

from flask import Flask, render_template_string, request
from flask_socketio import SocketIO

from phonebank.core import assets

PAGE = """{% extends "board_base.html" %}{% block scripts %}
<script type="module" src="/driver.js"></script>{% endblock %}"""

DRIVER = """
import { open } from "/static/js/connection.js";
window.shown = [];
window.line = open({
  namespace: "/",
  event: "moved",
  async snapshot() {
    const answer = await fetch("/state");
    if (!answer.ok) throw new Error("no state");
    return answer.json();
  },
  silentAfterMs: Number(new URLSearchParams(location.search).get("silent")),
  show(state, whole) { window.shown.push([state.version, whole]); },
});
"""


def main(port: int, version: int, seconds: float) -> None:
    state = {"version": version, "refuse": False, "broken": False, "seconds": seconds}
    package = Path(assets.__file__).parents[1]
    app = Flask("phonebank", root_path=str(package))
    assets.init_app(app)
    sockets = SocketIO(app, async_mode="threading")
    sids: list[str] = []

    @app.get("/")
    def page() -> str:
        return render_template_string(PAGE)

    @app.get("/driver.js")
    def driver() -> tuple[str, dict[str, str]]:
        return DRIVER, {"Content-Type": "text/javascript"}

    @app.get("/state")
    def snapshot() -> tuple[dict[str, int], int]:
        answer = {"version": int(state["version"])}
        time.sleep(state["seconds"])
        return answer, 500 if state["broken"] else 200

    @app.post("/do")
    def do() -> str:
        order = request.get_json()
        state.update(order.get("set", {}))
        if "emit" in order:
            sockets.emit("moved", order["emit"])
        if order.get("hang_up"):
            for sid in sids:
                sockets.server.disconnect(sid)
            sids.clear()
        return "done"

    @sockets.on("connect")
    def connect() -> bool:
        if not state["refuse"]:
            sids.append(request.sid)  # type: ignore[attr-defined]  # flask_socketio's
        return not state["refuse"]

    sockets.run(app, host="127.0.0.1", port=port, allow_unsafe_werkzeug=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
