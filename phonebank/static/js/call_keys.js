/* Digit keys press the numbered answers; on a scale they are the number, and 1 then 0 is ten.
   Never while typing, never with a modifier, and not at all where the caller has switched them off
   (WCAG 2.1.4). */

const KEY = "phonebank.keys";
const TEN_WITHIN_MS = 700;

let on = kept() !== "off";
let one = null;

function kept() {
  try {
    return localStorage.getItem(KEY);
  } catch (error) {
    return null; // this browser keeps nothing
  }
}

function keep(value) {
  try {
    localStorage.setItem(KEY, value);
  } catch (error) {
    // Until the page is left, then.
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
  const number = (value) => step.querySelector(`button[name=answer][value="${value}"]`).click();
  const waiting = one;
  clearTimeout(one);
  one = null;
  if (waiting !== null && digit === "0") return number(10);
  if (digit === "1") {
    one = setTimeout(() => ((one = null), number(1)), TEN_WITHIN_MS);
    return;
  }
  number(digit);
}

function say(button) {
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
    keep(on ? "on" : "off");
    say(button);
  });
}

/* On each new page: show the switch, which does nothing without this script, in its present state. */
export function drawKeySwitch() {
  for (const button of document.querySelectorAll("[data-keys-switch]")) {
    button.hidden = false;
    say(button);
  }
}
