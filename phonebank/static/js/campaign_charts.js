/* Draws the charts of a campaign's page with uPlot, which shows the numbers under the pointer. Without
   JavaScript the page has the same bars as an SVG. When the page renews its figures, this module draws the charts
   again, and keeps open the tables that were open. */

const TALL = 220;

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function draw(place) {
  const { labels, calls, conversations } = JSON.parse(place.dataset.chart);
  const bars = window.uPlot.paths.bars({ size: [0.8, 48] });
  const whole = (plot, values) => values.map((value) => (Number.isInteger(value) ? value.toLocaleString() : ""));
  const series = (label, fill, stroke) => ({
    label, paths: bars, fill: colour(fill), stroke: colour(stroke), points: { show: false },
    value: (plot, value) => (value === null ? "" : value.toLocaleString()),
  });
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const options = {
    width: place.clientWidth,
    height: TALL,
    cursor: { y: false, drag: { x: false, y: false } },
    legend: { live: true },
    scales: { x: { time: false, range: [-0.6, labels.length - 0.4] }, y: { range: (plot, low, high) => [0, Math.max(5, high * 1.05)] } },
    axes: [
      { ...axis, grid: { show: false }, values: (plot, ticks) => ticks.map((tick) => labels[tick] || "") },
      { ...axis, size: 56, values: whole },
    ],
    series: [
      { label: place.dataset.first, value: (plot, index) => (index === null ? "" : labels[index]) },
      series("Calls", "--accent-soft", "--edge"),
      series("Conversations", "--fill", "--fill"),
    ],
  };
  place.textContent = "";
  const plot = new window.uPlot(options, [labels.map((label, index) => index), calls, conversations], place);
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: TALL })).observe(place);
}

function drawAll() {
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
drawAll();
