/* The sheet of outcomes is a <details> whose content lies over the page (phonebank.css), so it works
   without JavaScript. With JavaScript, the focus stays in the sheet and returns to the button, and Escape, the
   handle and a pull downwards close the sheet. */

const FOCUSABLE = "summary, button, input, select, textarea, a[href]";
const PULL_CLOSES_PX = 56;

let pulledFrom = null;

const openSheet = () => document.querySelector("[data-more][open]");
const secondSheet = (sheet) => sheet.querySelector("[data-second-sheet][open]");

export function closeSheet() {
  const sheet = openSheet();
  if (!sheet) return;
  for (const second of sheet.querySelectorAll("[data-second-sheet]")) second.open = false;
  sheet.open = false;
  setRestInert(sheet, false);
}

/* Opens the sheet, and in it the second sheet of the outcome `key`, if one is given. */
function showSheet(key) {
  const sheet = document.querySelector("[data-more]");
  sheet.open = true;
  const second = key && sheet.querySelector(`[data-second-sheet="${key}"]`);
  if (second) second.open = true;
}

/* Makes everything but the sheet inert, or active again: the rest of the page, and the bar's other
   buttons. */
function setRestInert(sheet, inert) {
  const bar = sheet.closest("form");
  const rest = [...document.body.children, ...sheet.parentElement.children];
  for (const part of rest) if (part !== bar && part !== sheet) part.toggleAttribute("inert", inert);
}

function follow(event) {
  const details = event.target;
  if (details.matches("[data-more]")) {
    setRestInert(details, details.open);
    if (details.open) begin(details);
    else details.querySelector("summary").focus({ preventScroll: true });
  } else if (details.matches("[data-second-sheet]") && details.open && openSheet()) {
    details.querySelector("summary").focus({ preventScroll: true });
  }
}

function begin(sheet) {
  const panel = sheet.querySelector(".sheet");
  panel.setAttribute("aria-modal", "true");
  panel.querySelector("[data-close-sheet]").hidden = false;
  panel.querySelector(".sheet-body").scrollTop = 0;
  if (!panel.contains(document.activeElement)) panel.focus({ preventScroll: true });
}

/* Returns the elements at which the Tab key stops. In a group of radio buttons, that is only the chosen button.
   Elements in folded parts are left out. */
function focusable(sheet) {
  return [...(secondSheet(sheet) || sheet).querySelectorAll(FOCUSABLE)].filter(
    (one) =>
      one.tabIndex >= 0 &&
      one.getClientRects().length &&
      getComputedStyle(one).visibility !== "hidden" &&
      !one.closest("details:not([open]) > :not(summary)") &&
      (one.type !== "radio" || one.checked),
  );
}

function press(event) {
  const sheet = openSheet();
  if (!sheet) return;
  if (event.key === "Escape") {
    const second = secondSheet(sheet);
    if (second) second.open = false;
    else closeSheet();
    return event.preventDefault();
  }
  if (event.key !== "Tab") return;
  const all = focusable(sheet);
  const [first, last] = [all[0], all[all.length - 1]];
  const at = document.activeElement;
  if (event.shiftKey && (at === first || !all.includes(at))) {
    event.preventDefault();
    last.focus();
  } else if (!event.shiftKey && (at === last || !sheet.contains(at))) {
    event.preventDefault();
    first.focus();
  }
}

function pull(event) {
  const head = event.target.closest && event.target.closest(".sheet-head");
  if (event.type === "pointerdown") pulledFrom = head ? event.clientY : null;
  if (pulledFrom === null || event.type === "pointerdown") return;
  const down = Math.max(0, event.clientY - pulledFrom);
  const sheet = openSheet();
  const over = event.type !== "pointermove";
  if (over) pulledFrom = null;
  if (!sheet) return;
  sheet.querySelector(".sheet").style.transform = over || !down ? "" : `translateY(${down}px)`;
  if (event.type === "pointerup" && down > PULL_CLOSES_PX) closeSheet();
}

export function listenToSheet() {
  document.addEventListener("toggle", follow, true);
  document.addEventListener("keydown", press);
  document.addEventListener("click", ({ target }) => {
    const opens = target.closest("[data-open-sheet]");
    if (opens) showSheet(opens.dataset.openSheet);
    else if (target.closest("[data-close-sheet]")) closeSheet();
  });
  for (const kind of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) document.addEventListener(kind, pull);
}
