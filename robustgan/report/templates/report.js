// Sorting: a click (or Enter) on a column head; numbers by value with the undefined last, all else as text.
"use strict";
document.querySelectorAll("th button").forEach((button) => {
  button.addEventListener("click", () => {
    const head = button.parentElement;
    const body = head.closest("table").tBodies[0];
    const up = head.getAttribute("aria-sort") !== "ascending";
    head.parentElement.querySelectorAll("th").forEach((other) => other.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const cell = (row) => row.cells[head.cellIndex];
    const compare = (a, b) => {
      if (cell(a).dataset.order === undefined || cell(b).dataset.order === undefined) {
        return (up ? 1 : -1) * cell(a).textContent.localeCompare(cell(b).textContent, "en", { numeric: true });
      }
      const [x, y] = [Number(cell(a).dataset.order), Number(cell(b).dataset.order)];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
      return up ? x - y : y - x;
    };
    [...body.rows].sort(compare).forEach((row) => body.appendChild(row));
  });
});
// The contents stand open beside the text, and closed above it on a phone; paper shows everything.
if (window.matchMedia("(max-width: 1099px)").matches) document.querySelector("nav details").open = false;
window.addEventListener("beforeprint", () => {
  document.querySelectorAll("details").forEach((details) => { details.open = true; });
});
