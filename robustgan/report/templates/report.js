// Sorting: a click (or Enter) on a column head; numbers by value, undefined last, everything else as text.
"use strict";
document.querySelectorAll("th button").forEach((button) => {
  button.addEventListener("click", () => {
    const head = button.parentElement;
    const column = head.cellIndex;
    const body = head.closest("table").tBodies[0];
    const up = head.getAttribute("aria-sort") !== "ascending";
    head.parentElement.querySelectorAll("th").forEach((other) => other.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = (row) => row.cells[column].dataset.order ?? row.cells[column].textContent;
    const compare = (a, b) => {
      const [x, y] = [key(a), key(b)];
      const [p, q] = [Number(x), Number(y)];
      const numbers = row_is_number(a) && row_is_number(b);
      if (!numbers) return (up ? 1 : -1) * x.localeCompare(y, "en", { numeric: true });
      if (Number.isNaN(p) || Number.isNaN(q)) return Number.isNaN(p) - Number.isNaN(q);
      return up ? p - q : q - p;
    };
    const row_is_number = (row) => row.cells[column].dataset.order !== undefined;
    [...body.rows].sort(compare).forEach((row) => body.appendChild(row));
  });
});
// The contents are open beside the text, and closed above it on a phone.
const contents = document.querySelector("nav details");
if (window.matchMedia("(max-width: 1099px)").matches) contents.open = false;
window.addEventListener("beforeprint", () => { contents.open = true; });
