/* Draws the charts of a campaign's page with uPlot. The line under a chart shows the numbers of the bar under the
   pointer. Without JavaScript the page has the same bars as an SVG. When the page renews its figures, this module
   draws the charts again, and keeps open the tables that were open. */

const TALL = 220;

const plots = new Map();
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) plots.get(target)?.setSize({ width: target.clientWidth, height: TALL });
});

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/* Writes the numbers of one bar, or only the names of the colours, into the line under a chart. */
function tell(place, { labels, calls, conversations }, bar) {
  const key = place.nextElementSibling;
  const number = (numbers) => (bar === null ? "" : `: ${numbers[bar].toLocaleString()}`);
  key.querySelector(".key-calls").textContent = `Calls${number(calls)}`;
  key.querySelector(".key-conversations").textContent = `Conversations${number(conversations)}`;
  key.querySelector("[data-bar]").textContent = bar === null ? "" : labels[bar];
}

function draw(place) {
  const figures = JSON.parse(place.dataset.chart);
  const { labels } = figures;
  const bars = window.uPlot.paths.bars({ size: [0.8, 48] });
  const whole = (plot, values) => values.map((value) => (Number.isInteger(value) ? value.toLocaleString() : ""));
  // A bar without height would still have its outline, as a dash on the axis.
  const shown = (numbers) => numbers.map((number) => number || null);
  const series = (fill, stroke) => ({ paths: bars, fill: colour(fill), stroke: colour(stroke), points: { show: false } });
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const options = {
    width: place.clientWidth,
    height: TALL,
    cursor: { y: false, drag: { x: false, y: false } },
    legend: { show: false },
    hooks: { setCursor: [(plot) => tell(place, figures, plot.cursor.idx ?? null)] },
    scales: { x: { time: false, range: [-0.6, labels.length - 0.4] }, y: { range: (plot, low, high) => [0, Math.max(5, high * 1.05)] } },
    axes: [
      { ...axis, grid: { show: false }, values: (plot, ticks) => ticks.map((tick) => labels[tick] || "") },
      { ...axis, size: 56, values: whole },
    ],
    series: [{}, series("--accent-soft", "--edge"), series("--fill", "--fill")],
  };
  place.textContent = "";
  const data = [labels.map((label, index) => index), shown(figures.calls), shown(figures.conversations)];
  plots.set(place, new window.uPlot(options, data, place));
  sizes.observe(place);
}

function drawAll() {
  sizes.disconnect();
  for (const plot of plots.values()) plot.destroy();
  plots.clear();
  for (const place of document.querySelectorAll("[data-chart]")) draw(place);
}

let unfolded = [];
document.addEventListener("htmx:beforeSwap", () => {
  unfolded = [...document.querySelectorAll("#today details[open]")].map((part) => part.id);
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "today" && event.detail.elt.id !== "today") return;
  for (const id of unfolded) {
    const part = document.getElementById(id);
    if (part) part.open = true;
  }
  drawAll();
});
// A chart is a picture in the colours of the moment when it was drawn.
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
drawAll();
