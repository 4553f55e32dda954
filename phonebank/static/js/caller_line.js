/* The caller's own line: admitted, removed, the party paused or ended, a message from the host. Its events
   are only hints; the next request decides. It needs the vendored socket.io library. */

const RECONNECT_AFTER_MS = 5000;
// Some networks swallow a websocket without an error. A line that works connects sooner than this.
const CONNECTED_WITHIN_MS = 4000;

/* handlers: { admitted, removed, party({ paused, ended, seconds }), message({ text }), state({ state, … }),
   cut(isCut) }: `cut` says whether the network blocks the line. */
export function listen(handlers) {
  if (!window.io) return;
  const socket = window.io("/caller", { transports: ["websocket"], reconnectionDelayMax: 10000 });
  const call = (name, data) => handlers[name] && handlers[name](data);
  for (const event of ["admitted", "removed", "party", "message"]) {
    socket.on(event, (data) => call(event, data || {}));
  }
  // The page may have missed events while the line was down.
  const ask = () => socket.emit("state", {}, (answer) => answer.ok && call("state", answer));
  socket.on("connect", () => {
    call("cut", false);
    ask();
  });
  document.addEventListener("visibilitychange", () => !document.hidden && socket.connected && ask());
  socket.on("connect_error", (error) => {
    if (error.data && [401, 403].includes(error.data.status)) return call("removed", {});
    if (!socket.active) setTimeout(() => socket.connect(), RECONNECT_AFTER_MS);
  });
  setTimeout(() => socket.connected || call("cut", true), CONNECTED_WITHIN_MS);
  socket.on("disconnect", (reason) => {
    if (reason === "io server disconnect") setTimeout(() => socket.connect(), RECONNECT_AFTER_MS);
  });
}

/* Tells a caller in the middle of a call about the host's break, and takes that back when the break ends early.
   A break of so many `seconds` ends by itself; without them the host ends it. */
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

/* Shows a message from the host, or from us with `from` "". It stays over contacts until the caller closes it. */
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
