/* One volunteer with a phone, as a process. It runs the pages' own call_outbox.js, call_hold.js and
   call_words.js, with the parts of a browser that they use, on a network as bad as `bad_line`'s.

       node tests/crash/phone.mjs '{"ports": […], "paths": ["/join/ABC234"], "journal": …, …}'

   The network loses, doubles and delays requests, and something between the phone and Phonebank answers in
   its place: a proxy, or a café's log-in page. The process writes the same journal as `volunteer`, and notes
   a fault if the outbox discards an entry without Phonebank's own word. It stops at SIGTERM, when the outbox
   is empty. */

import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const settings = JSON.parse(process.argv[2]);
const NAMES = ["Ada", "Bela", "Cara", "Dafydd", "Eve", "Farid", "Gwen", "Hugh", "Ines", "Joan"];

// The same shares as in `volunteer`.
const OUTCOMES = {
  no_answer: 28, answerphone: 8, busy: 8, talked: 16, call_back: 6, bad_time: 4, hung_up: 4, refused: 3,
  wrong_number: 2, disconnected: 2, do_not_call: 3, skipped: 3,
};
const ACTIONS = {
  record: 58, undo: 14, giveBack: 4, reload: 4, vanish: 3, reachAnother: 10, talkLong: 5, pocket: 2, oversleep: 1,
};
const TROUBLES = { plain: 62, twice: 8, "late copy": 8, late: 6, unheard: 6, "false answer": 10 };
const FALSE_STATUSES = [200, 200, 400, 403, 404, 404, 407, 408, 410, 413, 422, 425, 429, 451, 500, 500, 502, 503];
// An answer with any other status is a fault: see `volunteer`.
const EXPECTED = {
  next: [200, 409, 410], outcome: [200, 404, 409, 410, 422], answer: [200, 404, 409], undo: [200, 404, 409],
  give_back: [200, 404], renew: [200, 404], reached: [200, 404, 409, 410],
};
const PUT_OUT = [401, 403];
// An answer with this header refuses only the form's token. The pages then send the form with a new one.
const STALE_FORM = "X-Phonebank-Stale-Form";
const NOT_THE_LAST_WORD = (status) => status >= 500 || [408, 425, 429].includes(status);
const ANSWER_WITHIN_MS = 20000;
const PATIENCE_AT_THE_END_MS = 90000;

const dice = mulberry(Math.floor(settings.seed * 2 ** 32));
const journal = fs.openSync(settings.journal, "a");
let stopping = false;
process.on("SIGTERM", () => (stopping = true));

// ---- the browser that the pages' JavaScript uses -----------------------------------------------

const store = new Map();
const listeners = [];
const meta = { content: "" };
globalThis.sessionStorage = {
  getItem: (key) => store.get(key) ?? null,
  setItem: (key, value) => store.set(key, String(value)),
  removeItem: (key) => store.delete(key),
};
globalThis.addEventListener = (kind, heard) => listeners.push([kind, heard]);
globalThis.removeEventListener = (kind, heard) => forget(kind, heard);
globalThis.document = {
  hidden: false,
  addEventListener: globalThis.addEventListener,
  removeEventListener: globalThis.removeEventListener,
  querySelector: (selector) => (selector.includes("csrf") ? meta : null),
  querySelectorAll: () => [],
  getElementById: () => null,
};
let reloadAsked = false;
globalThis.location = { reload: () => (reloadAsked = true), assign() {}, replace() {}, href: "/calling/person" };

function forget(kind, heard) {
  const at = listeners.findIndex(([known, it]) => known === kind && it === heard);
  if (at >= 0) listeners.splice(at, 1);
}

function happen(kind) {
  for (const [known, heard] of [...listeners]) if (known === kind) heard({ preventDefault() {} });
}

// ---- the network -------------------------------------------------------------------------------

const realFetch = globalThis.fetch;
let cookie = "";
const wishes = new Map(); // address and body → the wish: its number, kind, call, value, real statuses
let lastWish = -1;
const sentAt = new WeakMap();
let stuck = 0; // since when Phonebank has not known this device
let joining = false;

globalThis.fetch = async (url, options = {}) => {
  const wish = wishOf(String(url), options);
  if (!wish) return once(url, options);
  if (joining) throw new TypeError("offline");
  // A late copy still has the cookie and token that the device had then.
  const jar = cookie;
  const trouble = draw(TROUBLES);
  if (trouble !== "plain") note("trouble", { kind: trouble });
  if (trouble === "late") await pause(between(100, 2000));
  if (trouble === "twice") once(url, options, wish, false, jar).catch(() => {});
  if (trouble === "unheard") {
    once(url, options, wish, false, jar).catch(() => {});
    throw new TypeError("the line went dead");
  }
  if (trouble === "false answer") return falseAnswer(url, options, wish, jar);
  const response = await once(url, options, wish, true, jar);
  if (trouble === "late copy") setTimeout(() => once(url, options, wish, false, jar).catch(() => {}), between(50, 5000));
  return response;
};

/* Something in between answers. Half of the time the request goes through all the same. */
function falseAnswer(url, options, wish, jar) {
  if (dice() < 0.5) once(url, options, wish, false, jar).catch(() => {});
  const status = FALSE_STATUSES[Math.floor(dice() * FALSE_STATUSES.length)];
  note("false_answer", { status });
  const page = "<!doctype html><title>Welcome to our Wi-Fi</title><p>Please log in.";
  return new Response(page, { status, headers: { "Content-Type": "text/html" } });
}

/* Sends one copy to one of the web machines. `heard`: the page gets this answer. */
async function once(url, options, wish, heard = false, jar = null) {
  const copy = { ...options, redirect: "manual" };
  const began = Date.now() / 1000;
  if (wish) note("sent", { wish: wish.number, ...wish.about });
  let address = String(url);
  let response;
  for (let hops = 0; hops < 5; hops++) {
    const port = settings.ports[Math.floor(dice() * settings.ports.length)];
    const headers = new Headers(copy.headers);
    headers.set("X-Forwarded-For", settings.from_address);
    const its = jar ?? cookie;
    if (its) headers.set("Cookie", its);
    response = await realFetch(`http://127.0.0.1:${port}${address.replace(/^https?:\/\/[^/]+/, "")}`, {
      ...copy,
      headers,
      signal: copy.signal || AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const set = response.headers.getSetCookie();
    if (set.length && (wish ? heard && jar === cookie : true)) {
      cookie = set[0].split(";", 1)[0];
      if (wish) jar = cookie;
    }
    if (response.status < 300 || response.status >= 400) break;
    address = response.headers.get("location");
    await response.arrayBuffer();
    Object.assign(copy, { method: "GET", body: undefined });
  }
  // Only a whole answer counts, because the connection may break in the middle.
  const body = await response.arrayBuffer();
  const whole = new Response(body, { status: response.status, headers: response.headers });
  sentAt.set(whole, began);
  if (wish) await hear(wish, whole.clone(), began, heard);
  return whole;
}

async function hear(wish, response, began, heard) {
  const { kind, call } = wish.about;
  const { status } = response;
  const told = { ...wish.about };
  if (kind === "answer" && status === 200) told.value = (await response.clone().json()).value;
  note("told", { wish: wish.number, status, ...told });
  if (!heard) return;
  wish.statuses.push(status);
  wish.began = began;
  if (kind === "renew" && status === 200) {
    const { seconds_left: left } = await response.json();
    note("promised", { call, until: began + left, at_most: Date.now() / 1000 + left });
  }
  if (kind === "renew" && status === 404) note("refused", { call });
  if (PUT_OUT.includes(status)) stuck ||= Date.now();
  else if (status < 500) stuck = 0;
  if (response.headers.has(STALE_FORM)) return note("trouble", { kind: "stale form" });
  if (![...EXPECTED[kind], ...PUT_OUT].includes(status) && !NOT_THE_LAST_WORD(status)) {
    fault(`${kind} of ${call} answered ${status}: ${(await response.text()).slice(0, 200)}`);
  }
}

/* The wish that a request is a copy of; null for a request that only reads, or joins. */
function wishOf(url, { method, body }) {
  const found = /\/calling\/(?:person\/([0-9a-f-]+)\/([a-z-]+)|next)/.exec(url);
  if (!found || method !== "POST") return null;
  const kinds = { answers: "answer", "give-back": "give_back" };
  const kind = found[2] ? kinds[found[2]] || found[2] : "next";
  const key = `${url} ${body}`;
  if (!["next", "renew"].includes(kind) && wishes.has(key)) return wishes.get(key);
  const fields = new URLSearchParams(String(body || ""));
  const about = { kind, call: found[1] || "" };
  if (kind === "outcome") about.value = fields.get("ring_back") ? "call_back" : fields.get("outcome");
  if (kind === "undo") about.value = null;
  if (kind === "answer") {
    about.step = fields.get("step_id");
    about.value = about.step === "support" ? Number(fields.get("answer")) : fields.get("answer");
  }
  const wish = { number: ++lastWish, about, statuses: [], began: 0 };
  wishes.set(key, wish);
  return wish;
}

// ---- the page ----------------------------------------------------------------------------------

const { Outbox } = await import(pathToFileURL(path.join(settings.scripts, "call_outbox.js")));
const { Hold } = await import(pathToFileURL(path.join(settings.scripts, "call_hold.js")));
const { Scripts } = await import(pathToFileURL(path.join(settings.scripts, "call_words.js")));
const { aboutCall } = await import(pathToFileURL(path.join(settings.scripts, "call_person.js")));
const scripts = new Scripts();
const heldScripts = () => (page && page.script && page.script.key ? scripts.told() : "");
let outbox, hold, page, last, seq, lostCall;
let arrived = () => {};

function openPage() {
  if (outbox) {
    clearTimeout(outbox.timer);
    outbox.entries = [];
  }
  listeners.length = 0;
  outbox = new Outbox({ answered, down() {}, up() {}, heldScripts });
  outbox.send();
}

/* The outbox removes an entry. Only Phonebank's own answer may make it do so. */
async function answered(entry, answer) {
  const its = wishOf(entry.url, { method: "POST", body: new URLSearchParams(entry.fields) });
  const settled = its.statuses.some((status) => !NOT_THE_LAST_WORD(status));
  if (!settled) {
    fault(`${its.about.kind} of call ${its.about.call} was discarded at an answer of ${answer.status}` +
          ` that ${its.statuses.length ? "was not the last word" : "was not Phonebank's"}`);
  }
  if (entry.kind !== "screen") return;
  const text = typeof answer.text === "function" ? await answer.text() : answer.text;
  if (its.about.kind === "outcome" && settled) last = entry.undo ? { undo: entry.undo } : null;
  if (answer.isJson) showNext(JSON.parse(text), its.began);
  else show(text, its.began);
  arrived();
}

/* Puts a page on the screen, with a contact or without. */
function show(html, began) {
  if (hold) hold.close();
  hold = null;
  const token = /<meta name="csrf" content="([^"]+)"/.exec(html);
  if (token) meta.content = token[1];
  const data = /<script type="application\/json" id="call-data">([\s\S]*?)<\/script>/.exec(html);
  if (!data) return (page = null);
  const about = JSON.parse(data[1]);
  if (!about.call) return (page = null);
  scripts.begin(about.script);
  const phone = /href="tel:([^"]+)"/.exec(html);
  const address = (name) => (new RegExp(`action="([^"]*${name}[^"]*)"`).exec(html) || [])[1]?.replaceAll("&amp;", "&");
  page = {
    ...about,
    outcome: address(`${about.call}/outcome`),
    giveBack: address(`${about.call}/give-back`),
    // A template of the page, for the next household, has an empty id.
    reached: [...html.matchAll(/\/reached"[^>]*>[\s\S]*?name="contact_id" value="(\d+)"/g)].map((found) => found[1]),
  };
  begin(phone ? phone[1] : "", began);
}

/* Puts the next contact on the page that is there, as call.js does. */
function showNext(next, began) {
  if (hold) hold.close();
  scripts.take(next);
  const urls = {};
  for (const name of ["answer", "renew", "outcome", "giveBack"]) urls[name] = aboutCall(page[name], next);
  page = { ...next, ...urls, script: scripts.shown, reached: next.person.household.map(([id]) => String(id)) };
  begin(next.person.phone, began);
}

function begin(phone, began) {
  seq = Math.max(Date.now(), page.seq + 1);
  const [until, atMost] = [began, Date.now() / 1000].map((at) => at + page.seconds_left);
  note("shown", { call: page.call, phone, until, at_most: atMost });
  lostCall = "";
  const call = page.call;
  hold = new Hold(page.renew, page.seconds_left, (words) => {
    if (hold && hold.over && words) lostCall = call;
  });
}

async function load(address, options = {}) {
  for (;;) {
    const response = await fetch(address, options).catch(() => null);
    const own = response && sentAt.has(response);
    if (own && response.status < 500 && response.status !== 429) return response;
    await pause(between(100, 900));
    if (stopping && !outbox?.entries.length) return null;
  }
}

async function join() {
  if (hold) hold.close();
  hold = page = last = null;
  joining = true;
  while ((!stopping || outbox.entries.length) && !(await joinOnce())) await pause(1000);
  joining = false;
  stuck = 0;
}

/* Joins by a link, as an unknown device, and returns whether it need not try again. */
async function joinOnce() {
  cookie = "";
  const link = settings.paths[Math.floor(dice() * settings.paths.length)];
  const door = await load(link);
  if (!door) return true;
  const token = (/name="csrf_token"[^>]*value="([^"]+)"/.exec(await door.text()) || [])[1];
  let { status } = door;
  if (status === 200 && token) {
    const body = new URLSearchParams({ first_name: NAMES[Math.floor(dice() * NAMES.length)], csrf_token: token });
    const headers = { Accept: "application/json", "X-CSRFToken": token };
    const came = await load(link, { method: "POST", body, headers });
    if (!came) return true;
    status = came.status;
    if (status === 201) {
      await refreshToken();
      return true;
    }
    // An answer to an earlier request, such as a renewal, brought another cookie in the meantime.
    if (came.headers.has(STALE_FORM)) {
      note("trouble", { kind: "stale form" });
      return false;
    }
  }
  if ([409, 410, 429].includes(status)) note("turned_away");
  else fault(`joining was answered ${status}`);
  return false;
}

/* Waits in the lobby until the caller is admitted, or joins again if Phonebank does not know this device. */
async function recoverState() {
  const giveUp = Date.now() + 8000;
  while (Date.now() < giveUp && !stopping) {
    const now = await load("/calling", { headers: { Accept: "application/json" } });
    if (!now) return;
    if (now.status !== 200) {
      note("put_out");
      break;
    }
    if ((await now.json()).state === "admitted") {
      stuck = 0;
      return;
    }
    await pause(1000);
  }
  await join();
}

// ---- what the volunteer does -------------------------------------------------------------------

async function next() {
  const headers = { Accept: "text/html", "X-Phonebank-Screen": "1", "X-CSRFToken": meta.content };
  const answer = await load("/calling/next", { method: "POST", headers });
  if (!answer) return;
  if (answer.status === 410) return join();
  if (answer.headers.has(STALE_FORM)) return refreshToken();
  show(await answer.text(), sentAt.get(answer));
  if (!page) await pause(1000);
}

/* Gets a new form token, as a reload of the page would. */
async function refreshToken() {
  const now = await load("/calling", { headers: { Accept: "application/json" } });
  if (now && now.status === 200) meta.content = (await now.json()).csrf_token;
}

/* Taps a button and waits for the next page, however long it takes. */
async function send(url, fields, undo) {
  const came = new Promise((resolve) => (arrived = resolve));
  outbox.add({ kind: "screen", call: page.call, url, fields, undo });
  await Promise.race([came, untilStuck()]);
}

async function untilStuck() {
  while (outbox.entries.length) {
    if (reloadAsked) return reload();
    if (stuck && Date.now() - stuck > 1500) return recoverState();
    await pause(200);
  }
}

async function record() {
  const outcome = draw(OUTCOMES);
  const call = page.call;
  if (outcome === "talked") {
    await answerStep("support", Math.floor(dice() * 11));
    await answerStep("help", dice() < 0.5 ? "yes" : "no");
    if (!page || page.call !== call) return;
  }
  const fields = outcome === "call_back" && dice() < 0.4 ? [["ring_back", "later_today"]] : [["outcome", outcome]];
  const turn = /turn=\d+/.exec(page.outcome)[0];
  await send(page.outcome, fields, `/calling/person/${call}/undo?${turn}`);
}

async function answerStep(step, answer) {
  if (!page) return;
  hold.begun = true;
  const fields = [["step_id", step], ["seq", String((seq = Math.max(Date.now(), seq + 1)))], ["answer", String(answer)]];
  outbox.add({ kind: "answer", call: page.call, url: page.answer, fields, step, answer, seq });
  await pause(between(20, 300));
}

const actions = {
  record,
  async undo() {
    if (!last) return record();
    const { undo } = last;
    last = null;
    await send(undo, []);
  },
  giveBack: () => send(page.giveBack, []),
  reload,
  async vanish() {
    await waitForOutbox();
    if (stopping || !page) return;
    note("vanished", { call: page.call });
    await join();
  },
  async reachAnother() {
    if (!page.reached.length) return record();
    const other = page.reached[Math.floor(dice() * page.reached.length)];
    await send(`/calling/person/${page.call}/reached`, [["contact_id", other]]);
  },
  /* A good conversation is longer than two holds, which the page renews by itself. */
  async talkLong() {
    const { call } = page;
    hold.begun = true;
    const until = Date.now() + 2.3 * settings.hold_seconds * 1000;
    while (Date.now() < until && !stopping && lostCall !== call) await pause(300);
    if (page && page.call === call) await record();
  },
  /* The phone goes into a pocket, and comes out again before the hold expires. */
  async pocket() {
    document.hidden = true;
    await pause(0.6 * settings.hold_seconds * 1000);
    document.hidden = false;
    happen("visibilitychange");
    happen("pageshow");
  },
  /* Records the outcome long after the hold expired. */
  async oversleep() {
    document.hidden = true;
    await pause((settings.hold_seconds + 7) * 1000);
    document.hidden = false;
    await record();
  },
};

async function reload() {
  reloadAsked = false;
  openPage();
  const answer = await load("/calling/person", { headers: { Accept: "text/html" } });
  if (!answer) return;
  if (PUT_OUT.includes(answer.status)) return recoverState();
  show(await answer.text(), sentAt.get(answer));
  await waitForOutbox();
}

async function waitForOutbox() {
  while (outbox.entries.length && !reloadAsked) await untilStuck();
}

// ---- all of it ---------------------------------------------------------------------------------

function note(what, values = {}) {
  fs.writeSync(journal, JSON.stringify({ at: Date.now() / 1000, what, ...values }) + "\n");
}

const fault = (text) => note("fault", { text });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const between = (low, high) => low + dice() * (high - low);

function draw(shares) {
  let left = dice() * Object.values(shares).reduce((sum, share) => sum + share, 0);
  for (const [name, share] of Object.entries(shares)) if ((left -= share) < 0) return name;
  return Object.keys(shares)[0];
}

/* Bryc's mulberry32: it is small, and gives the same numbers from the same seed. */
function mulberry(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

openPage();
await join();
while (!stopping) {
  await pause(-Math.log(1 - dice()) * settings.think_seconds * 1000);
  if (reloadAsked) await reload();
  if (stuck) await recoverState();
  if (stopping) break;
  if (!page) await next();
  else await actions[draw(ACTIONS)]();
}
if (hold) hold.close();
const giveUp = Date.now() + PATIENCE_AT_THE_END_MS;
while (outbox.entries.length && Date.now() < giveUp) {
  outbox.hurry();
  await Promise.race([untilStuck(), pause(1000)]);
}
if (outbox.entries.length) fault(`${outbox.entries.length} taps were never acknowledged`);
await pause(200);
note("left");
process.exit(0);
