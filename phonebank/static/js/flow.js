/* Handles the picture of a script: fits it to its box if it stays readable, makes it smaller and larger, and
   shows its first step. Without JavaScript the picture has its own size, and its box scrolls. */

// At a smaller scale, the letters of the picture have fewer than 10 px.
const READABLE = 0.7;
const STEP = 1.25;
const SMALLEST = 0.1;
const LARGEST = 2;

let scale = 0; // 0: not yet chosen
let isZoomed = false;

function drawn() {
  const box = document.getElementById("flow-scroll");
  const svg = box?.querySelector("svg.flow");
  return svg && box.clientWidth ? { box, svg, size: svg.viewBox.baseVal } : null;
}

function firstScale({ box, size }) {
  const fits = Math.min(1, box.clientWidth / size.width);
  return fits < READABLE ? 1 : fits;
}

function draw({ svg, size }) {
  svg.setAttribute("width", size.width * scale);
  svg.setAttribute("height", size.height * scale);
}

function scrollToStart({ box, svg }) {
  box.scrollTo(svg.querySelector(".flow-start").cx.baseVal.value * scale - box.clientWidth / 2, 0);
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
