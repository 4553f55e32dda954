/* The script editor: merge fields put in where the writer last typed, the phone showing the step that
   they are at, each block showing what goes with its kind, the picture leading to the blocks, and a
   save that fails being told. All else the page does by itself. */

import { isOurs } from "./htmx_answers.js";

let lastField = null;

document.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-words]")) lastField = event.target;
  const block = event.target.closest("[data-step-block]");
  const at = document.querySelector("[data-at]");
  if (!block || !at || at.value === block.dataset.stepBlock) return;
  at.value = block.dataset.stepBlock;
  window.htmx.trigger("#checker", "look");
});

document.addEventListener("click", (event) => {
  const chip = event.target.closest("[data-insert]");
  if (!chip) return;
  if (!lastField || !lastField.isConnected) lastField = document.querySelector("textarea[data-words]");
  lastField.focus();
  lastField.setRangeText(chip.dataset.insert, lastField.selectionStart, lastField.selectionEnd, "end");
  lastField.dispatchEvent(new Event("input", { bubbles: true }));
});

// Parts of a block name the kinds of step, and of answer, that they go with.
document.addEventListener("change", (event) => {
  const block = event.target.closest("[data-step-block]");
  if (!block || !event.target.matches("[name$='-kind'], [name$='-answer']")) return;
  const kind = block.querySelector("select[name$='-kind']").value;
  const answer = block.querySelector("select[name$='-answer']").value;
  for (const part of block.querySelectorAll("[data-kinds]")) {
    const answers = part.dataset.answers;
    part.hidden = !part.dataset.kinds.split(" ").includes(kind) || (answers && !answers.split(" ").includes(answer));
  }
});

// Only a comparison has a value to compare with.
document.addEventListener("change", (event) => {
  if (!event.target.matches("[name$='-compare']")) return;
  event.target.closest("li").querySelector("[data-compared]").hidden = event.target.value !== "is";
});

// From the picture to a block, which may be folded.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-to-step], [data-to-card]");
  if (!link) return;
  const { toStep, toCard } = link.dataset;
  const folded = document.getElementById(toStep ? `details-${toStep}` : `details-card-${toCard}`);
  if (!folded) return;
  event.preventDefault();
  folded.open = true;
  folded.scrollIntoView({ block: "start" });
  folded.querySelector("summary").focus({ preventScroll: true });
});

// What the form's buttons send, and the two above it.
function isSave(element) {
  return Boolean(element.closest("#script-form")) || element.getAttribute("form") === "script-form";
}

// While a button is on its way the form is shut, which takes the focus from the button.
let pressed = "";
document.addEventListener("htmx:beforeRequest", (event) => {
  if (isSave(event.target)) pressed = document.activeElement.id;
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "editor") focusAgain();
});
function focusAgain() {
  if (document.activeElement !== document.body) return;
  (document.getElementById(pressed) ?? document.getElementById("undo"))?.focus();
}

// Of a form that is shut a browser sends nothing, and nothing is what would be checked and shown.
document.addEventListener("htmx:configRequest", (event) => {
  const isShut = document.getElementById("script-fields").disabled;
  if (isShut && event.target.closest("#editor")) event.preventDefault();
});
// What a check found in the form before belongs beside no block of the form that comes.
document.addEventListener("htmx:beforeSend", (event) => {
  if (isSave(event.target)) window.htmx.trigger("#checker", "htmx:abort");
});

const KEPT_HERE = "What you wrote is still here. Try again. If it happens twice, copy it and reload the page.";
const FOREIGN = `The answer did not come from Phonebank, perhaps from a Wi-Fi log-in page, so this may not be saved. ${KEPT_HERE}`;
const SIGNED_OUT = "Nothing was saved, because you are signed out. Sign in in another tab, then press the button here again.";
const NO_ANSWER = `No answer came, so this may not be saved. ${KEPT_HERE}`;
const TOO_OLD = 400;
const NOT_SAVED = {
  0: NO_ANSWER,
  [TOO_OLD]: SIGNED_OUT,
  401: SIGNED_OUT,
  403: "Nothing was saved, because you may no longer change scripts. Copy what you wrote, and ask an organiser.",
  413: "Nothing was saved, because the script is too long to send. Make some of it shorter, then try again.",
};
const MADE_FRESH =
  "Nothing is saved yet, because this page was open too long. Press the button again. If it happens twice, copy what you wrote and reload the page.";

/* The CSRF token of a page that was open all night, or before a new sign-in, fits no more. True once
   the page has one that does: whoever is signed in has to press again themselves. */
async function takeNewToken() {
  try {
    // As htmx asks: then somebody signed out is told so, and led nowhere.
    const answer = await fetch(location.href, { headers: { "HX-Request": "true" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const token = page.querySelector("#script-form [name='csrf_token']").value;
    document.querySelector("meta[name='csrf']").content = token;
    document.querySelector("#script-form [name='csrf_token']").value = token;
    return true;
  } catch {
    return false;
  }
}

function holdsEditor(answer) {
  return answer.responseText.includes('id="editor"');
}

function whyNotSaved(xhr) {
  if (xhr.status && !isOurs(xhr)) return FOREIGN;
  return NOT_SAVED[xhr.status] || `Nothing was saved. ${KEPT_HERE}`;
}

// Any other page in the editor's place would leave nothing there, and nothing of what was typed.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { requestConfig, xhr } = event.detail;
  if (isSave(requestConfig.elt) && !holdsEditor(xhr)) event.detail.shouldSwap = false;
});
document.addEventListener("htmx:afterRequest", async (event) => {
  const { requestConfig, xhr } = event.detail;
  const leaves = xhr.status === 204;
  if (!isSave(requestConfig.elt) || leaves || holdsEditor(xhr)) return;
  const isFresh = isOurs(xhr) && xhr.status === TOO_OLD && (await takeNewToken());
  // One notice, put there anew: so it is read out again.
  document.querySelector("#editor > .flash-error")?.remove();
  const notice = document.createElement("div");
  notice.className = "flash flash-error";
  notice.setAttribute("role", "alert");
  notice.textContent = isFresh ? MADE_FRESH : whyNotSaved(xhr);
  document.querySelector("#editor > .page-header").after(notice);
  focusAgain();
  window.htmx.trigger("#checker", "look");
});

// The picture stays as open, and as far scrolled, as it was.
let picture = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const box = document.getElementById("flow-scroll");
  if (event.target.id !== "editor" || !box || !event.detail.shouldSwap) return;
  picture = { open: document.getElementById("flow-card").open, left: box.scrollLeft, top: box.scrollTop };
});
document.addEventListener("htmx:afterSwap", () => {
  const box = document.getElementById("flow-scroll");
  if (!picture || !box) return;
  document.getElementById("flow-card").open = picture.open;
  box.scrollTo(picture.left, picture.top);
  picture = null;
});
