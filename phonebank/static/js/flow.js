/* Scrolls the picture of a script to its first step, because the picture is wider than a phone. */

const box = document.getElementById("flow-scroll");
const start = box?.querySelector(".flow-start");
if (start) box.scrollLeft = start.cx.baseVal.value - box.clientWidth / 2;
