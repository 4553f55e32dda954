/* The script editor: merge fields put in where the writer last typed, and the phone showing the step
   that they are at. All else the page does by itself. */

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
