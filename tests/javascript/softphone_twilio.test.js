/* Tests the softphone's driver for Twilio, with a stand-in for the SDK. */

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";

import { openTwilioLine } from "../../phonebank/static/js/softphone_twilio.js";

globalThis.document = { addEventListener() {} };
const { judgeOf } = await import("../../phonebank/static/js/softphone.js");

const token = { secret: "a.b.c", settings: { line: "7" } };
const microphone = { id: "microphone" };

/* Opens a line, and returns what the driver did and may be told. */
async function open(connects = true) {
  const seen = { told: [], call: new EventEmitter(), device: null, did: [] };
  for (const act of ["mute", "sendDigits"]) seen.call[act] = (value) => seen.did.push([act, value]);
  seen.call.disconnect = () => seen.call.emit("disconnect");
  class Device extends EventEmitter {
    constructor(secret, options) {
      super();
      seen.device = Object.assign(this, { secret, options });
    }
    async connect(options) {
      seen.asked = options;
      if (!connects) throw new Error("31005");
      return seen.call;
    }
    destroy() {
      seen.did.push(["destroy"]);
    }
  }
  globalThis.window = { Twilio: { Device } };
  seen.line = openTwilioLine(token, microphone, null, (state) => seen.told.push(state));
  await new Promise((resolve) => setTimeout(resolve));
  return seen;
}

test("the browser names its line, and nothing else", async () => {
  const { asked, device } = await open();
  assert.deepEqual(asked, { params: { line: "7" } });
  assert.equal(device.secret, "a.b.c");
  assert.equal(await device.options.getUserMedia(), microphone);
});

test("no sound comes from another host", async () => {
  const { device } = await open();
  const sounds = Object.entries(device.options.sounds);
  assert.equal(sounds.length, 15);
  for (const [name, url] of sounds) assert.match(url, /\/phonebank\/static\/sounds\/\w+\.wav$/, name);
});

test("mute, keys and hanging up reach the call", async () => {
  const { line, call, told, did } = await open();
  call.emit("accept");
  line.mute(true);
  line.press("#");
  line.hangUp();
  call.emit("disconnect");
  assert.deepEqual(did, [["mute", true], ["sendDigits", "#"], ["destroy"]]);
  assert.deepEqual(told, ["connected", "ended"]);
});

test("a line that can't be opened, or breaks, has failed", async () => {
  assert.deepEqual((await open(false)).told, ["failed"]);
  const { call, told } = await open();
  call.emit("error", { code: 31003 });
  call.emit("disconnect");
  assert.deepEqual(told, ["failed"]);
  const early = await open();
  early.device.emit("error", { code: 20104 }); // the call goes on without a new sign-in
  assert.deepEqual(early.told, []);
});

test("a line that is hung up before it is there does not stay", async () => {
  const seen = await open();
  const line = openTwilioLine(token, microphone, null, (state) => seen.told.push(state));
  let left = false;
  seen.call.disconnect = () => (left = true);
  line.hangUp();
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(seen.told, ["ended"]);
  assert.ok(left);
});

test("the line's quality comes from the SDK's samples", async () => {
  const { line, call } = await open();
  assert.equal(line.peer(), null);
  const judge = judgeOf();
  const totals = { packetsReceived: 100, packetsLost: 0 };
  call.emit("sample", { totals, jitter: 8, rtt: 60 });
  assert.equal(judge(await line.peer().getStats()), "good");
  call.emit("sample", { totals: { packetsReceived: 150, packetsLost: 20 }, jitter: 8, rtt: 60 });
  assert.equal(judge(await line.peer().getStats()), "poor");
});
