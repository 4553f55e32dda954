/* Handles the picture of a script: fits it to its box if it stays readable, makes it smaller and larger, and
   shows its first steps. Without JavaScript the picture has its own size, and its box scrolls. */

// At a smaller scale, the letters of the picture have fewer than 10 px.
const READABLE = 0.7;
const STEP = 1.25;
const SMALLEST = 0.1;
const LARGEST = 2;
// As many steps are in the box at first, if they stay readable.
const STEPS_IN_HEIGHT = 4;
const MARGIN = 12;

let scale = 0; // 0: not yet chosen
let isZoomed = false;

function drawn() {
  const box = document.getElementById("flow-scroll");
  const svg = box?.querySelector("svg.flow");
  return svg && box.clientWidth ? { box, svg, size: svg.viewBox.baseVal } : null;
}

// In the order of the script, so the first ones are the conversation that goes on.
function stepsOf(svg) {
  return Array.from(svg.querySelectorAll(".flow-box rect"), (rect) => {
    const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => rect[name].baseVal.value);
    return { left: x, right: x + width, bottom: y + height };
  });
}

function firstScale(picture) {
  const { box, svg, size } = picture;
  // The box is as high as its picture, up to a limit. In its own size, the picture shows the limit.
  scale = 1;
  draw(picture);
  const bottoms = stepsOf(svg).slice(0, STEPS_IN_HEIGHT).map((step) => step.bottom + MARGIN);
  const fits = Math.min(1, box.clientWidth / size.width, box.clientHeight / Math.max(...bottoms, 1));
  return Math.max(READABLE, fits);
}

function draw({ svg, size }) {
  svg.setAttribute("width", size.width * scale);
  svg.setAttribute("height", size.height * scale);
}

// Shows the start and as many of the first steps as fit beside each other. The room that is left is on the side
// of the next step.
function scrollToStart({ box, svg }) {
  const room = box.clientWidth / scale - 2 * MARGIN;
  const start = svg.querySelector(".flow-start").cx.baseVal.value;
  let [left, right] = [start, start];
  let isNextLeft = false;
  for (const step of stepsOf(svg)) {
    isNextLeft = step.left < left;
    const wider = [Math.min(left, step.left), Math.max(right, step.right)];
    if (wider[1] - wider[0] > room) break;
    [left, right] = wider;
  }
  box.scrollTo(((isNextLeft ? right - room : left) - MARGIN) * scale, 0);
}

// A save or a check of the editor brings a new picture, which has its own size.
function show() {
  for (const buttons of document.querySelectorAll("[data-zooms]")) buttons.hidden = false;
  const picture = drawn();
  if (!picture) return;
  const isFirst = scale === 0;
  if (isFirst) scale = firstScale(picture);
  draw(picture);
  if (isFirst) scrollToStart(picture);
}

function zoomTo(picture, wanted) {
  const { box } = picture;
  const before = scale;
  isZoomed = true;
  const middle = { x: box.scrollLeft + box.clientWidth / 2, y: box.scrollTop + box.clientHeight / 2 };
  scale = Math.min(LARGEST, Math.max(SMALLEST, wanted));
  draw(picture);
  // What was in the middle of the box stays in the middle.
  const by = scale / before;
  box.scrollTo(middle.x * by - box.clientWidth / 2, middle.y * by - box.clientHeight / 2);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-zoom]");
  const picture = button && drawn();
  if (!picture) return;
  const { box, size } = picture;
  const whole = Math.min(1, box.clientWidth / size.width, box.clientHeight / size.height);
  zoomTo(picture, { whole, out: scale / STEP, in: scale * STEP }[button.dataset.zoom]);
});

// After a phone was turned, the picture fits the other width.
window.addEventListener("resize", () => {
  if (!isZoomed) {
    scale = 0;
    show();
  }
});

show();
// A check swaps fifty elements, and htmx sends several events for each. Only these two elements contain the picture.
for (const name of ["htmx:afterSwap", "htmx:oobAfterSwap"]) {
  document.addEventListener(name, (event) => {
    if (event.target.id === "editor" || event.target.id === "flow-drawn") show();
  });
}
