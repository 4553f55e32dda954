/* Digit keys press the numbered answers; on a scale they are the number, and 1 then 0 is ten. They do
   nothing while the caller types, with a modifier key, or after the caller switched them off (WCAG 2.1.4). */

const KEY = "phonebank.keys";
const TEN_WITHIN_MS = 700;

let on = loadSetting() !== "off";
let one = null; // timer of a 1 that a 0 may follow

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
  if (!/^[0-9]$/.test(event.key)) return;
  if (event.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]")) return;
  const step = document.querySelector("[data-step]:not([hidden])");
  if (!step) return;
  if (step.dataset.kind === "scale") return pressScale(step, event.key);
  const target = step.querySelector(`[data-key="${event.key}"]`);
  if (target) target.click();
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

/* Shows the switch, which is hidden without JavaScript, in its present state. */
export function drawKeySwitch() {
  for (const button of document.querySelectorAll("[data-keys-switch]")) {
    button.hidden = false;
    drawState(button);
  }
}
