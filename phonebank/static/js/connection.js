/* A line to the server that mends itself, and a page that is never quietly out of date.

   open({ namespace, auth, event, snapshot, show }) returns { socket, close }
     namespace  Socket.IO namespace, such as "/board"
     auth       object sent with each connection
     event      name of the event to follow; it carries { version, ... } and, where versions do not
                count up by one, `follows`: the version it was made from
     snapshot   () => promise of { version, ... }: the whole state, asked for on connecting, on
                waking and on a gap
     show       (state, whole) => void: draw an event, or the whole state when `whole` is true

   An event that is old is dropped. One that leaves a gap is dropped too and a snapshot asked for,
   so that what is shown is always some true state of the server, and soon its newest. After
   close() the line stays shut, as it should for a caller who was removed.
   Needs the vendored socket.io script, which defines window.io. */

const ANSWER_WITHIN_MS = 8000;
const ASK_AGAIN_AFTER_MS = 2000;
const KNOCK_AGAIN_AFTER_MS = 5000;

export function open({ namespace, auth, event, snapshot, show }) {
  const socket = window.io(namespace, {
    transports: ["websocket"],
    auth,
    reconnectionDelay: 500,
    reconnectionDelayMax: 5000,
  });
  let shown = null; // version on the screen
  let heardOf = null; // newest version that any event named
  let question = 0; // counts snapshots asked for; an answer to an older one is ignored
  let asking = false;
  let closed = false;

  async function catchUp() {
    const mine = ++question;
    asking = true;
    try {
      const state = await within(ANSWER_WITHIN_MS, snapshot());
      if (mine !== question) return;
      asking = false;
      if (shown === null || state.version >= shown) {
        shown = state.version;
        show(state, true);
      }
      lineIsUp();
      // An event that came while we asked may be newer than the answer.
      if (heardOf !== null && heardOf > shown) catchUp();
    } catch (error) {
      if (mine !== question) return;
      asking = false;
      setTimeout(() => mine === question && socket.connected && catchUp(), ASK_AGAIN_AFTER_MS);
    }
  }

  socket.on("connect", catchUp);
  socket.on("connect_error", () => {
    lineIsDown();
    // The library gives up on a server that refuses. It may only have lost its database.
    if (!socket.active) setTimeout(() => closed || socket.connect(), KNOCK_AGAIN_AFTER_MS);
  });
  socket.on("disconnect", (reason) => {
    if (reason === "io client disconnect") return;
    lineIsDown();
    // Nor does it come back by itself when the server hung up.
    if (reason === "io server disconnect") socket.connect();
  });
  socket.on(event, (state) => {
    if (heardOf === null || state.version > heardOf) heardOf = state.version;
    if (shown !== null && state.version <= shown) return;
    // One that follows nothing is whole: it need not wait for an answer that may never come.
    const follows = state.follows === undefined ? state.version - 1 : state.follows;
    if (follows !== 0 && (shown === null || asking)) return;
    if (follows > shown) {
      catchUp();
      return;
    }
    shown = state.version;
    show(state, false);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || closed) return;
    if (socket.connected) {
      catchUp();
    } else if (socket.active) {
      // Somebody is looking: do not sit out the rest of the wait between two attempts.
      socket.disconnect();
      socket.connect();
    }
  });

  function close() {
    closed = true;
    socket.disconnect();
  }
  return { socket, close };
}

function within(milliseconds, promise) {
  const late = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("no answer in time")), milliseconds);
  });
  return Promise.race([promise, late]);
}

/* The banner is the element with data-line-down, whose value may hold the words for it, with
   {time} where the time goes. */
function lineIsDown() {
  const banner = document.querySelector("[data-line-down]");
  if (!banner || banner.textContent) return;
  const time = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const words = banner.dataset.lineDown || "The line has been down since {time}. Trying again…";
  banner.textContent = words.replace("{time}", time);
}

function lineIsUp() {
  const banner = document.querySelector("[data-line-down]");
  if (banner) banner.textContent = "";
}
