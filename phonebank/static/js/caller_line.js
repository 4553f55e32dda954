/* The caller's own line: let in, put out, the party paused or over, a word from the host.
   All of it hints only; the next request tells the truth. Needs the vendored socket.io script. */

const KNOCK_AGAIN_AFTER_MS = 5000;
// A line that some network swallows fails without a word. One that works is there sooner.
const CONNECTED_WITHIN_MS = 4000;

/* hears: { admitted, removed, party({ paused, ended }), message({ text }), state({ state, … }),
   cut(isCut) }: `cut` says whether the network lets no live line through. */
export function listen(hears) {
  if (!window.io) return;
  const socket = window.io("/caller", { transports: ["websocket"], reconnectionDelayMax: 10000 });
  const tell = (what, data) => hears[what] && hears[what](data);
  for (const event of ["admitted", "removed", "party", "message"]) {
    socket.on(event, (data) => tell(event, data || {}));
  }
  // Whatever was said while we were away.
  const ask = () => socket.emit("state", {}, (answer) => answer.ok && tell("state", answer));
  socket.on("connect", () => {
    tell("cut", false);
    ask();
  });
  document.addEventListener("visibilitychange", () => !document.hidden && socket.connected && ask());
  socket.on("connect_error", (error) => {
    if (error.data && [401, 403].includes(error.data.status)) return tell("removed", {});
    if (!socket.active) setTimeout(() => socket.connect(), KNOCK_AGAIN_AFTER_MS);
  });
  setTimeout(() => socket.connected || tell("cut", true), CONNECTED_WITHIN_MS);
  socket.on("disconnect", (reason) => {
    if (reason === "io server disconnect") setTimeout(() => socket.connect(), KNOCK_AGAIN_AFTER_MS);
  });
}

/* A word from the host, or from us with `from` "": stays on the screen, whoever comes and goes on it,
   until it is put away. */
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
  box.append(words, button);
}
