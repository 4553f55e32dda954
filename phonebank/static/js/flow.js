/* The picture of a script is wider than a phone: begin where the call begins, not in its corner. */

const box = document.getElementById("flow-scroll");
const start = box?.querySelector(".flow-start");
if (start) box.scrollLeft = start.cx.baseVal.value - box.clientWidth / 2;
