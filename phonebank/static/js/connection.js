/* A connection to the server that reconnects automatically, and a page that says when it is out of date.

   open({ namespace, auth, event, snapshot, show, silentAfterMs, poll, refused }) returns { socket, close }
     namespace  Socket.IO namespace, such as "/board"
     auth       object sent with each connection
     event      name of the event to follow; it carries { version, ... } and, if versions do not
                count up by one, `follows`: the version it was made from
     snapshot   () => promise of { version, ... }: the whole state. The page asks for this when it
                connects, when the device wakes, and when an event leaves a gap
     show       (state, whole) => void: draws an event, or the whole state when `whole` is true
     silentAfterMs  for a server that sends something every few seconds in any case: the silence
                after which the page asks whether the server is still there. Left out: never
     poll       address of the same state as { board } in JSON. The page polls it every few seconds, and
                the banner says so, while the network blocks websockets. The server answers 304 while the
                state is the same as in its last answer. Left out: never
     refused    (status) => void: the server refuses the state to this page from now on

   The page ignores an old event. It also ignores an event that leaves a gap, and asks for a snapshot instead.
   So the page always shows a state that the server really had, and soon shows the newest state. A network may
   cut the line without an error, and the browser notices that only when a ping is missed. So the page asks for
   a snapshot after a silence and when the device wakes. The page connects again if no answer comes soon. After
   close() the line stays closed, for example for a caller who was removed. This module needs the vendored
   socket.io library, which defines window.io. */

const ANSWER_WITHIN_MS = 8000;
const ASK_AGAIN_AFTER_MS = 2000;
const RECONNECT_AFTER_MS = 5000;
// How long the page waits for a server that may be gone. A server that is only slow sends something else in
// that time.
const STILL_THERE_WITHIN_MS = 1500;
const LISTEN_EVERY_MS = 500;
// If a timer runs this much late, the device was asleep. Timers of a busy page are less late.
const SLEPT_MS = 3000;
// After this long the server has surely closed the line (PING_EVERY and PING_ANSWER_WITHIN of
// live/server.py).
const SURELY_GONE_MS = 65000;
// A thousand boards must not keep asking a server that is up and sends nothing.
const PATIENCE_AT_MOST_MS = 60000;
// Some networks block a websocket without an error. A line that works connects sooner than this.
const CONNECTED_WITHIN_MS = 3000;
const POLL_EVERY_MS = 4000;
// A server that restarts is back within two polls.
const POLLS_BEFORE_SAYING_SO = 2;
// With these statuses Phonebank refuses the page for good. After any other status the page tries again.
const REFUSED = [401, 403, 404, 410];

export function open({ namespace, auth, event, snapshot, show, silentAfterMs, poll, refused }) {
  const socket = window.io(namespace, {
    transports: ["websocket"],
    auth,
    reconnectionDelay: 500,
    reconnectionDelayMax: 5000,
  });
  let shown = null; // version on the screen
  let announced = null; // newest version that any event named
  let question = 0; // counts the requests for a snapshot; only the response to the newest counts
  let asking = false;
  let closed = false;
  let heardAt = Date.now(); // when the server last sent anything
  let listenedAt = Date.now();
  let patience = silentAfterMs; // doubled after each reconnection that did not help
  let polled = 0; // polls in a row that got the state, since the line was last up
  let pollTimer = null;
  let polledTag = ""; // the ETag of the state that the last poll got

  async function catchUp() {
    await ask(ANSWER_WITHIN_MS, () => {});
  }

  /* Asks whether the server is still there. */
  async function probe() {
    const askedAt = Date.now();
    await ask(STILL_THERE_WITHIN_MS, (error) => {
      if (error === LATE && heardAt > askedAt) return;
      showDown(heardAt);
      if (error !== LATE || !socket.connected) return;
      patience = Math.min(2 * patience, PATIENCE_AT_MOST_MS);
      socket.io.engine.close();
    });
  }

  async function ask(milliseconds, onFailure) {
    const mine = ++question;
    asking = true;
    try {
      const state = await within(milliseconds, snapshot());
      if (mine !== question) return;
      asking = false;
      noteSign();
      if (shown === null || state.version >= shown) {
        shown = state.version;
        show(state, true);
      }
      showUp();
      // An event that came after the question may be newer than the answer.
      if (announced !== null && announced > shown) catchUp();
    } catch (error) {
      if (mine !== question) return;
      asking = false;
      onFailure(error);
      setTimeout(() => mine === question && socket.connected && catchUp(), ASK_AGAIN_AFTER_MS);
    }
  }

  /* Polls every few seconds until the line is up. The first poll comes after this many milliseconds. */
  function pollUntilConnected(milliseconds) {
    if (!poll || pollTimer !== null || closed) return;
    pollTimer = setTimeout(async () => {
      if (!closed && !socket.connected && !document.hidden) await pollOnce();
      pollTimer = null;
      if (socket.connected) polled = 0;
      else pollUntilConnected(POLL_EVERY_MS);
    }, milliseconds * (0.75 + Math.random() / 2));
  }

  async function pollOnce() {
    try {
      const { state, tag } = await within(ANSWER_WITHIN_MS, getState(poll, polledTag, refused));
      if (socket.connected) return;
      noteSign();
      polledTag = tag;
      if (state && (shown === null || state.version >= shown)) {
        shown = state.version;
        show(state, true);
      }
      polled += 1;
      if (polled >= POLLS_BEFORE_SAYING_SO) showPolled();
      else showUp();
    } catch (error) {
      polled = 0;
      if (!socket.connected) showDown(heardAt);
    }
  }

  /* Shows that the line is down, or starts to poll if the page can. */
  function lose() {
    if (!poll) showDown(heardAt);
    else pollUntilConnected(polled ? POLL_EVERY_MS : 0);
  }
  setTimeout(() => socket.connected || lose(), CONNECTED_WITHIN_MS);

  /* Notes that the server has answered. */
  function noteSign() {
    heardAt = Date.now();
    patience = silentAfterMs;
  }
  socket.onAny(noteSign);
  socket.io.on("ping", noteSign);
  socket.on("connect", () => {
    heardAt = Date.now();
    catchUp();
  });
  socket.on("connect_error", () => {
    lose();
    // The library gives up when a server refuses. But that server may only have lost its database for a
    // moment.
    if (!socket.active) setTimeout(() => closed || socket.connect(), RECONNECT_AFTER_MS);
  });
  socket.on("disconnect", (reason) => {
    if (reason === "io client disconnect") return;
    showDown(heardAt);
    lose();
    // The library does not reconnect automatically when the server closed the line.
    if (reason === "io server disconnect") socket.connect();
  });
  socket.on(event, (state) => {
    if (announced === null || state.version > announced) announced = state.version;
    if (shown !== null && state.version <= shown) return;
    // An event that follows version 0 is the whole state, so it can be shown without a snapshot. The snapshot may
    // never come.
    const follows = state.follows === undefined ? state.version - 1 : state.follows;
    if (follows !== 0 && (shown === null || asking)) return;
    if (follows > shown) {
      catchUp();
      return;
    }
    showUp();
    shown = state.version;
    show(state, false);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    const slept = Date.now() - listenedAt;
    listenedAt = Date.now(); // the timer is late as well, and must not count this wake a second time
    wake(slept);
  });
  const listening = setInterval(() => {
    const late = Date.now() - listenedAt;
    listenedAt = Date.now();
    // Browsers delay the timers of a hidden page on purpose.
    if (document.hidden) return;
    if (late > SLEPT_MS) wake(late);
    else if (silentAfterMs && socket.connected && !asking && Date.now() - heardAt > patience) {
      probe();
    }
  }, LISTEN_EVERY_MS);

  function wake(slept) {
    if (closed) return;
    if (socket.connected && slept < SURELY_GONE_MS) {
      probe();
    } else if (socket.active) {
      // Someone is looking at the page now, so the page connects again at once.
      const heardLast = heardAt;
      socket.disconnect();
      socket.connect();
      setTimeout(() => heardAt === heardLast && !closed && showDown(heardAt), STILL_THERE_WITHIN_MS);
    }
  }

  function close() {
    closed = true;
    clearInterval(listening);
    socket.disconnect();
  }
  return { socket, close };
}

const LATE = new Error("no answer in time");

/* Gets { state, tag } from an address. `state` is null if the state still has this tag. Only Phonebank's own
   answer counts (phonebank/core/phonebank_headers.py). */
async function getState(url, tag, refused) {
  const headers = { Accept: "application/json" };
  if (tag) headers["If-None-Match"] = tag;
  const answer = await fetch(url, { headers });
  if (!answer.headers.has("X-Phonebank")) throw new Error("something other than Phonebank answered");
  if (REFUSED.includes(answer.status)) refused(answer.status);
  if (answer.status === 304) return { state: null, tag };
  if (!answer.ok) throw new Error(answer.status);
  return { state: (await answer.json()).board, tag: answer.headers.get("ETag") || "" };
}

function within(milliseconds, promise) {
  const late = new Promise((resolve, reject) => {
    setTimeout(() => reject(LATE), milliseconds);
  });
  return Promise.race([promise, late]);
}

/* Shows the state of the line in the banner, which is the element with data-line-down. The attribute may have
   the words for a line that is down, with {time} for the time. */
function showBanner(state, words) {
  const element = document.querySelector("[data-line-down]");
  if (!element || (element.dataset.line || "") === state) return;
  element.dataset.line = state;
  element.textContent = words(element);
}

function showDown(since) {
  const time = new Date(since).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  showBanner("down", (element) => {
    const words = element.dataset.lineDown || "The connection has been down since {time}. Trying again…";
    return words.replace("{time}", time);
  });
}

function showPolled() {
  showBanner("polled", () => "Live updates don't get through on this network. This page checks every few seconds instead.");
}

function showUp() {
  showBanner("", () => "");
}
