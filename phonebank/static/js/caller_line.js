/* The caller's websocket ("line"). Its events say that the caller was admitted or removed, that the party is
   paused or has ended, or what the host's message is. Events are only hints: the next request decides. The
   call page also renews its hold over the line. This module needs the vendored socket.io library. */

const RECONNECT_AFTER_MS = 5000;
// Some networks block a websocket without an error. A line that works connects sooner than this.
const CONNECTED_WITHIN_MS = 4000;
const ANSWER_WITHIN_MS = 8000;

/* handlers: { admitted, removed, party({ paused, ended, seconds }), message({ text }),
   taken({ call }), phone(), state({ state, … }), cut(isCut) }. Each may be left out. `isCut` is true while the
   network blocks the line. Returns { ask, distrust }, or null if the page does not have the library. */
export function listen(handlers) {
  if (!window.io) return null;
  const socket = window.io("/caller", { transports: ["websocket"], reconnectionDelayMax: 10000 });
  const call = (name, data) => handlers[name] && handlers[name](data);
  for (const event of ["admitted", "removed", "party", "message", "taken", "phone"]) {
    socket.on(event, (data) => call(event, data || {}));
  }

  /* Sends an event and returns the server's answer. Returns null if the line is down, or if no answer comes
     in time. */
  async function ask(event, data, withinMs) {
    if (!socket.connected) return null;
    try {
      return await socket.timeout(withinMs).emitWithAck(event, data);
    } catch (error) {
      return null;
    }
  }

  /* Closes a line that may be dead, so that the library connects again. The library itself notices a dead line only
     when the server's next ping does not come. */
  function distrust() {
    if (socket.connected) socket.io.engine.close();
  }

  // The page may have missed events while the line was down.
  async function askState() {
    const answer = await ask("state", {}, ANSWER_WITHIN_MS);
    if (answer && answer.ok) call("state", answer);
    return answer;
  }

  socket.on("connect", () => {
    call("cut", false);
    askState();
  });
  // The line may have died while the phone slept.
  document.addEventListener("visibilitychange", async () => {
    if (!document.hidden && socket.connected && !(await askState())) distrust();
  });
  socket.on("connect_error", (error) => {
    if (error.data && [401, 403].includes(error.data.status)) return call("removed", {});
    if (!socket.active) setTimeout(() => socket.connect(), RECONNECT_AFTER_MS);
  });
  setTimeout(() => socket.connected || call("cut", true), CONNECTED_WITHIN_MS);
  socket.on("disconnect", (reason) => {
    if (reason === "io server disconnect") setTimeout(() => socket.connect(), RECONNECT_AFTER_MS);
  });
  return { ask, distrust };
}

/* Tells a caller in the middle of a call about the host's break, and removes the notice if the break ends
   early. A break with `seconds` ends after that time; otherwise the host ends it. */
export function showBreak({ paused, seconds }) {
  const box = document.getElementById("host-word");
  if (paused) {
    const until = new Date(Date.now() + 1000 * seconds);
    const clock = until.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    showMessage(`There's a break after this call${seconds ? `, until ${clock}` : ""}.`);
    document.getElementById("host-word").dataset.about = "break";
  } else if (box && box.dataset.about === "break") {
    box.textContent = "";
  }
}

/* Shows a message from the host, or from Phonebank if `from` is "". It stays while contacts change, until the
   caller closes it. */
export function showMessage(text, from = "Your host: ") {
  let box = document.getElementById("host-word");
  if (!box) {
    box = document.createElement("div");
    box.id = "host-word";
    box.className = "host-word";
    box.setAttribute("role", "status");
    document.getElementById("toasts").before(box);
  }
  const words = document.createElement("p");
  const name = document.createElement("strong");
  name.textContent = from;
  words.append(name, text);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "secondary";
  button.textContent = "OK";
  button.addEventListener("click", () => (box.textContent = ""));
  box.textContent = "";
  box.dataset.about = "";
  box.append(words, button);
}
