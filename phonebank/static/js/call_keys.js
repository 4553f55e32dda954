/* Keys for the call page. A digit presses the answer with that number. On a scale, the digit itself is the answer,
   and 1 followed by 0 is ten. Letters press the buttons below. The keys do nothing while the caller types, with a
   modifier key, or if the caller has switched them off (WCAG 2.1.4). */

const KEY = "phonebank.keys";
const TEN_WITHIN_MS = 700;

const SHEET = "[data-more][open]";
const BUTTONS = {
  n: ".bar-quick[value=no_answer]",
  v: ".bar-quick[value=answerphone]",
  u: ".toast button", // also after the toast has gone
  e: "[data-more] > summary",
};

let on = loadSetting() !== "off";
let one = null; // timer that waits for a 0 after a 1

function loadSetting() {
  try {
    return localStorage.getItem(KEY);
  } catch (error) {
    return null; // no storage
  }
}

function storeSetting(value) {
  try {
    localStorage.setItem(KEY, value);
  } catch (error) {
    // Without storage the setting lasts as long as the page.
  }
}

function press(event) {
  if (!on || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (event.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]")) return;
  if (document.querySelector(SHEET)) return; // the keys must not press buttons behind the sheet
  if (event.key === "?") return showKeys();
  if (!/^[0-9]$/.test(event.key)) return pressLetter(event.key.toLowerCase());
  const step = document.querySelector("[data-step]:not([hidden])");
  if (!step || !step.getClientRects().length) return;
  if (step.dataset.kind === "scale") return pressScale(step, event.key);
  const target = step.querySelector(`[data-key="${event.key}"]`);
  if (target) target.click();
}

function pressLetter(letter) {
  const button = letter in BUTTONS && document.querySelector(BUTTONS[letter]);
  // If the bar does not show a button at this stage of the call, the button has no size.
  if (button && button.getClientRects().length) button.click();
}

function showKeys() {
  const list = document.querySelector("[data-keys]");
  list.open = !list.open;
  if (list.open) list.scrollIntoView({ block: "nearest" });
}

function pressScale(step, digit) {
  const click = (value) => step.querySelector(`button[name=answer][value="${value}"]`).click();
  const waiting = one;
  clearTimeout(one);
  one = null;
  if (waiting !== null && digit === "0") return click(10);
  if (digit === "1") {
    one = setTimeout(() => ((one = null), click(1)), TEN_WITHIN_MS);
    return;
  }
  click(digit);
}

function drawState(button) {
  button.setAttribute("aria-checked", String(on));
  button.querySelector("[data-keys-state]").textContent = on ? "on" : "off";
  document.body.classList.toggle("keys-off", !on);
}

export function listenToKeys() {
  document.addEventListener("keydown", press);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-keys-switch]");
    if (!button) return;
    on = !on;
    storeSetting(on ? "on" : "off");
    drawState(button);
  });
}

/* Shows the list of keys, which is hidden without JavaScript, and whether the keys are switched on. */
export function drawKeySwitch() {
  document.querySelector("[data-keys]").hidden = false;
  drawState(document.querySelector("[data-keys-switch]"));
}
