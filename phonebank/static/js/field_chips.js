/* Shows each merge field in the words of a script as a chip, and deletes it as one piece. The writer types in
   the textarea as before: the chips are drawn on a layer behind it, which has the same words in the same
   places. Without JavaScript the words are the same, without chips. */

const FIELD = /\{\{[^{}]*\}\}/g;

function draw(area) {
  const layer = area.previousElementSibling;
  const parts = [];
  let end = 0;
  for (const found of area.value.matchAll(FIELD)) {
    const chip = document.createElement("mark");
    chip.textContent = found[0];
    parts.push(area.value.slice(end, found.index), chip);
    end = found.index + found[0].length;
  }
  // A line end at the end of the text has no height unless something follows it.
  layer.textContent = "";
  layer.append(...parts, `${area.value.slice(end)}\u200b`);
  layer.style.height = `${area.offsetHeight}px`;
  // The border is as wide as the scroll bar of the textarea.
  layer.style.borderRightWidth = `${area.offsetWidth - area.clientWidth - area.clientLeft}px`;
  layer.scrollTop = area.scrollTop;
}

// A folded step has no size until it is opened.
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) if (target.isConnected && target.offsetHeight) draw(target);
});

export function makeChips() {
  for (const area of document.querySelectorAll("#script-form textarea")) {
    if (area.parentElement.className === "chip-area") continue;
    const frame = document.createElement("div");
    const layer = document.createElement("div");
    frame.className = "chip-area";
    layer.className = "chip-layer";
    layer.setAttribute("aria-hidden", "true");
    area.replaceWith(frame);
    frame.append(layer, area);
    sizes.observe(area);
  }
}

function chipAreaOf(event) {
  return event.target.parentElement?.className === "chip-area" ? event.target : null;
}

document.addEventListener("input", (event) => {
  const area = chipAreaOf(event);
  if (area) draw(area);
});
document.addEventListener(
  "scroll",
  (event) => {
    const area = event.target.parentElement && chipAreaOf(event);
    if (area?.previousElementSibling) area.previousElementSibling.scrollTop = area.scrollTop;
  },
  true,
);

// This only selects the field, and the browser then deletes what is selected. So the browser's own undo brings the
// field back.
document.addEventListener("keydown", (event) => {
  const area = chipAreaOf(event);
  const isBack = event.key === "Backspace";
  const hasModifier = event.ctrlKey || event.altKey || event.metaKey;
  if (!area || (!isBack && event.key !== "Delete") || hasModifier) return;
  const { selectionStart: caret, selectionEnd, value } = area;
  if (caret !== selectionEnd) return;
  for (const { index, 0: field } of value.matchAll(FIELD)) {
    const end = index + field.length;
    if (caret === (isBack ? end : index)) area.setSelectionRange(index, end);
  }
});
