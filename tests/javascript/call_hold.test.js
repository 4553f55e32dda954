/* Tests the hold itself: only Phonebank's own answer renews a hold or ends it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { CALL, cutShort, foreign, noAnswer, ours, Phone } from "./phone.js";
import { Hold } from "../../phonebank/static/js/call_hold.js";

const RENEW = `/calling/person/${CALL}/renew`;
const renewed = (left) => ours(200, { "X-Phonebank-Call": `${CALL} saved` }, JSON.stringify({ seconds_left: left }));
const gone = ours(404, { "X-Phonebank-Call": `${CALL} refused` });

/* A line that gives these answers in turn, the last one again and again. null is a silent line. */
function lineOf(...answers) {
  const line = { asked: [], distrusted: 0 };
  line.ask = async (event, data) => {
    line.asked.push([event, data]);
    return answers.length > 1 ? answers.shift() : answers[0];
  };
  line.distrust = () => (line.distrusted += 1);
  return line;
}

function holdOn(network, secondsLeft = 300, line = null) {
  const phone = new Phone(network);
  phone.ticks = [];
  globalThis.setInterval = (check) => phone.ticks.push(check);
  globalThis.clearInterval = () => (phone.ticks = []);
  globalThis.document.removeEventListener = () => {};
  const said = [];
  const hold = new Hold(RENEW, secondsLeft, (words) => said.push(words), line);
  return { phone, hold, said };
}

/* Lets this many seconds go by, as the page's timer counts them. */
async function passSeconds(phone, many) {
  for (let second = 0; second < many; second++) {
    phone.now += 1000;
    for (const check of phone.ticks) check();
    await phone.settle();
  }
}

test("a hold is renewed every minute while the page is in sight", async () => {
  const { phone, said } = holdOn([renewed(300)]);
  await passSeconds(phone, 601);
  assert.equal(phone.sent.length, 10);
  assert.deepEqual(said, []);
});

const NO_VERDICT = { "no answer": noAnswer, "an answer cut short": cutShort, "our 500": ours(500), "our 503": ours(503) };
for (const status of [200, 403, 404, 407, 410, 451, 502]) NO_VERDICT[`a foreign ${status}`] = foreign(status);
NO_VERDICT["a foreign 503 that asks for five minutes"] = foreign(503, { "Retry-After": "300" });

for (const [what, meets] of Object.entries(NO_VERDICT)) {
  test(`${what}: the page keeps the hold, and asks again soon`, async () => {
    const { phone, hold, said } = holdOn([meets, meets, renewed(300)]);
    await passSeconds(phone, 100);
    assert.equal(phone.sent.length, 3);
    assert.deepEqual([hold.over, said], [false, []]);
  });
}

test("without an answer the pauses grow, and the warning comes in time", async () => {
  const { phone, hold, said } = holdOn([foreign(404)]);
  await passSeconds(phone, 271);
  assert.ok(phone.sent.length >= 6 && phone.sent.length <= 40, String(phone.sent.length));
  assert.deepEqual(said, ["This person goes back to the list in less than 30 seconds."]);
  phone.network = [renewed(300)];
  await hold.renew();
  assert.deepEqual(said.slice(1), [""]);
});

test("a page whose token is too old renews with a fresh one, or learns that the hold is gone", async () => {
  const stale = ours(400, { "X-Phonebank-Stale-Form": "1" });
  const fresh = ours(200, {}, JSON.stringify({ csrf_token: "of today" }));
  const kept = holdOn([stale, fresh, renewed(300)]);
  await passSeconds(kept.phone, 61);
  assert.deepEqual(kept.phone.sent.map(([url]) => url), [RENEW, "/calling", RENEW]);
  assert.equal(kept.phone.sent[2][1]["X-CSRFToken"], "of today");
  assert.equal(kept.hold.over, false);
  const lost = holdOn([stale, fresh, gone]);
  await passSeconds(lost.phone, 61);
  assert.match(lost.said[0], /has gone back to the list/);
});

test("Phonebank's own no ends the hold, and the page says so", async () => {
  const { phone, hold, said } = holdOn([gone]);
  await passSeconds(phone, 61);
  assert.equal(hold.over, true);
  assert.match(said[0], /has gone back to the list/);
});

const kept = { ok: true, seconds_left: 300 };

test("over a line that answers, no request is sent", async () => {
  const line = lineOf(kept);
  const { phone, hold, said } = holdOn([noAnswer], 300, line);
  await passSeconds(phone, 601);
  assert.deepEqual([line.asked.length, phone.sent.length, line.distrusted], [10, 0, 0]);
  assert.deepEqual(line.asked[0], ["renew", { call: CALL }]);
  assert.deepEqual([hold.over, said], [false, []]);
});

test("a silent line costs no hold: a request renews it, and the page makes a new line", async () => {
  const line = lineOf(kept, null, kept);
  const { phone, hold } = holdOn([renewed(300)], 300, line);
  await passSeconds(phone, 121);
  assert.deepEqual([line.asked.length, phone.sent.length, line.distrusted], [2, 1, 1]);
  await passSeconds(phone, 60);
  assert.deepEqual([line.asked.length, phone.sent.length, hold.over], [3, 1, false]);
});

test("while the line is silent, a second renewal does not repeat the first", async () => {
  let giveUp;
  const line = lineOf();
  line.ask = (...asked) => {
    line.asked.push(asked);
    return new Promise((resolve) => (giveUp = () => resolve(null)));
  };
  const { phone, hold } = holdOn([renewed(300)], 300, line);
  const renewals = [hold.renew(), hold.renew()];
  giveUp();
  await Promise.all(renewals);
  assert.deepEqual([line.asked.length, phone.sent.length, hold.over], [1, 1, false]);
});

test("where requests do not get through either, the line is kept", async (t) => {
  // The pauses differ from phone to phone. This one has average ones: four seconds, then eight.
  t.mock.method(Math, "random", () => 0.5);
  const line = lineOf(null);
  const { phone } = holdOn([noAnswer, foreign(404), renewed(300)], 300, line);
  await passSeconds(phone, 75);
  assert.deepEqual([phone.sent.length, line.distrusted], [3, 1]);
});

test("a busy server is not asked twice at once, and not before the time that it named", async () => {
  const line = lineOf({ ok: false, error: { status: 503, retry_after: 30 } }, kept);
  const { phone, hold } = holdOn([noAnswer], 300, line);
  await passSeconds(phone, 89);
  assert.deepEqual([line.asked.length, phone.sent.length], [1, 0]);
  await passSeconds(phone, 20);
  assert.deepEqual([line.asked.length, phone.sent.length, hold.over], [2, 0, false]);
});

for (const status of [401, 404, 500]) {
  test(`after a ${status} over the line, only a request says that the hold is lost`, async () => {
    const refusal = { ok: false, error: { status } };
    const kept = holdOn([renewed(300)], 300, lineOf(refusal));
    await passSeconds(kept.phone, 61);
    assert.deepEqual([kept.phone.sent.length, kept.hold.over, kept.hold.line.distrusted], [1, false, 0]);
    const lost = holdOn([gone], 300, lineOf(refusal));
    await passSeconds(lost.phone, 61);
    assert.equal(lost.hold.over, true);
  });
}

test("with little time left, the page does not wait for a line that may be dead", async () => {
  const line = lineOf(null);
  const { phone, hold } = holdOn([renewed(20)], 40, line);
  await passSeconds(phone, 30);
  assert.deepEqual([line.asked.length, hold.over], [0, false]);
  assert.ok(phone.sent.length >= 2);
});
