/* The script editor: merge fields put in where the writer last typed, the phone showing the step that
   they are at, each block showing what goes with its kind, and the picture leading to the blocks. All
   else the page does by itself. */

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

// The picture stays as open, and as far scrolled, as it was.
let picture = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const box = document.getElementById("flow-scroll");
  if (event.target.id !== "editor" || !box) return;
  picture = { open: document.getElementById("flow-card").open, left: box.scrollLeft, top: box.scrollTop };
});
document.addEventListener("htmx:afterSwap", () => {
  const box = document.getElementById("flow-scroll");
  if (!picture || !box) return;
  document.getElementById("flow-card").open = picture.open;
  box.scrollTo(picture.left, picture.top);
  picture = null;
});

// While a button is on its way the form is shut, which takes the focus from the button.
let pressed = "";
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.closest("#script-form")) pressed = document.activeElement.id;
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "editor" || document.activeElement !== document.body) return;
  (document.getElementById(pressed) ?? document.getElementById("undo"))?.focus();
});
