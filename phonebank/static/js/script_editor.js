/* The script editor. It inserts merge fields where the writer last typed, and shows in the preview the step that the
   writer is at. In each block it shows the fields that the kind of step needs. It opens a block from the picture, and
   says when a save failed. The rest of the page works without JavaScript. */

import { makeChips } from "./field_chips.js";
import { isOurs } from "./htmx_answers.js";

// An editor page has a hundred menus that list the script's steps. The HTML has their options only once, and each menu
// has only its chosen option. This function puts the options into the menus.
function fillMenus() {
  for (const select of document.querySelectorAll("select[data-menu]")) {
    const options = document.getElementById(`menu-${select.dataset.menu}`).content.cloneNode(true);
    const { without } = select.dataset;
    const chosen = select.value;
    for (const option of [...options.children]) {
      if (without && option.value === without) option.remove();
      else if (option.value === chosen) select.firstElementChild.remove();
    }
    select.append(options);
    select.value = chosen;
    delete select.dataset.menu;
  }
}
const TOOLS = [
  ["up", "↑", "Move up:"],
  ["down", "↓", "Move down:"],
  ["delete", "✕", "Delete:"],
];
// The HTML of each row only names the row's buttons, because they are the same in every row. This function adds them.
function makeTools() {
  for (const row of document.querySelectorAll("[data-tools]")) {
    const { tools, place, what, first, last } = row.dataset;
    for (const [verb, sign, label] of TOOLS) {
      const isAtItsEnd = (verb === "up" && first !== undefined) || (verb === "down" && last !== undefined);
      const isOnly = tools === "step" && first !== undefined && last !== undefined;
      if (isAtItsEnd || isOnly) continue;
      const button = document.createElement("button");
      Object.assign(button, { className: "tool", name: "do", value: `${verb}-${tools}:${place}`, textContent: sign });
      button.setAttribute("aria-label", `${label} ${what}`);
      row.append(button);
    }
    delete row.dataset.tools;
  }
}
function fillIn() {
  fillMenus();
  makeTools();
  makeChips();
}
fillIn();
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "editor" || event.target.id === "practice") fillIn();
  if (event.target.id === "practice") document.querySelector("#practice summary, #practice button")?.focus();
});

const WORDS = "#script-form textarea, #script-form input[maxlength]";
let lastField = null;

document.addEventListener("focusin", (event) => {
  if (event.target.matches(WORDS)) lastField = event.target;
  const block = event.target.closest("[data-step-block]");
  const at = document.querySelector("[data-at]");
  if (!block || !at || at.value === block.dataset.stepBlock) return;
  at.value = block.dataset.stepBlock;
  window.htmx.trigger("#checker", "look");
});

document.addEventListener("click", (event) => {
  const chip = event.target.closest("[data-insert]");
  if (!chip) return;
  if (!lastField || !lastField.isConnected) lastField = document.querySelector("#script-form textarea");
  lastField.focus();
  lastField.setRangeText(chip.dataset.insert, lastField.selectionStart, lastField.selectionEnd, "end");
  lastField.dispatchEvent(new Event("input", { bubbles: true }));
});

// Each part of a block names the kinds of step and of answer that need it.
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

// Only the comparison "is" needs a value.
document.addEventListener("change", (event) => {
  if (!event.target.matches("[name$='-compare']")) return;
  event.target.closest("li").querySelector("[data-compared]").hidden = event.target.value !== "is";
});

// A click on a step or card in the picture opens the block of the step or card, which may be folded.
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

// The form's own buttons save, and so do the two above the form.
function isSave(element) {
  return Boolean(element.closest("#script-form")) || element.getAttribute("form") === "script-form";
}

// htmx disables the form while a request is open, and a disabled button loses the focus.
let pressed = "";
document.addEventListener("htmx:beforeRequest", (event) => {
  const { id, value } = document.activeElement;
  if (isSave(event.target)) pressed = id ? `#${CSS.escape(id)}` : `[name="do"][value="${CSS.escape(value ?? "")}"]`;
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "editor") focusAgain();
});
function focusAgain() {
  if (document.activeElement !== document.body) return;
  (document.querySelector(pressed || null) ?? document.getElementById("undo"))?.focus();
}

// A browser sends no fields of a disabled form, so a check now would show an empty script.
document.addEventListener("htmx:configRequest", (event) => {
  const isDisabled = document.getElementById("script-fields").disabled;
  if (isDisabled && event.target.closest("#editor")) event.preventDefault();
});
// A check of the old form would put its findings beside the wrong blocks of the new one.
document.addEventListener("htmx:beforeSend", (event) => {
  if (isSave(event.target)) window.htmx.trigger("#checker", "htmx:abort");
});

const KEPT_HERE = "What you wrote is still here. Try again. If that fails too, copy what you wrote and reload the page.";
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
  "Nothing is saved yet, because this page was open too long. Press the button again. If that fails too, copy what you wrote and reload the page.";

/* Puts a fresh CSRF token into the page, and returns whether it could. The old token is no longer valid after a
   night, or after a new sign-in. The writer must press the button again, because the account may be another one. */
async function refreshToken() {
  try {
    // With htmx's header the server answers a signed-out writer with an error and not with a redirect.
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

function reasonNotSaved(xhr) {
  if (xhr.status && !isOurs(xhr)) return FOREIGN;
  return NOT_SAVED[xhr.status] || `Nothing was saved. ${KEPT_HERE}`;
}

// A response without the editor is not shown. It would replace the editor, and with it what the writer typed.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { requestConfig, xhr } = event.detail;
  if (isSave(requestConfig.elt) && !holdsEditor(xhr)) event.detail.shouldSwap = false;
});
document.addEventListener("htmx:afterRequest", async (event) => {
  const { requestConfig, xhr } = event.detail;
  const leaves = xhr.status === 204;
  if (!isSave(requestConfig.elt) || leaves || holdsEditor(xhr)) return;
  const isFresh = isOurs(xhr) && xhr.status === TOO_OLD && (await refreshToken());
  // A screen reader reads a new element out again, so the old notice is removed.
  document.querySelector("#editor > .flash-error")?.remove();
  const notice = document.createElement("div");
  notice.className = "flash flash-error";
  notice.setAttribute("role", "alert");
  notice.textContent = isFresh ? MADE_FRESH : reasonNotSaved(xhr);
  document.querySelector("#editor > .page-header").after(notice);
  focusAgain();
  window.htmx.trigger("#checker", "look");
});

// A save replaces the picture. These two listeners keep it open, and scrolled to the same place.
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
