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
// Light or dark as the machine has it, until the reader says otherwise.
const theme = document.createElement("button");
theme.type = "button";
theme.className = "tools";
const dark = () => {
  const said = document.documentElement.dataset.theme;
  return said ? said === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
};
const label = () => { theme.textContent = dark() ? "Light page" : "Dark page"; };
theme.addEventListener("click", () => {
  document.documentElement.dataset.theme = dark() ? "light" : "dark";
  label();
});
label();
document.querySelector("header").appendChild(theme);
// What a number rests on stands under it once it is asked for: a pointer can rest on a cell, keys and fingers cannot.
const sizes = document.createElement("button");
sizes.type = "button";
sizes.className = "tools";
const terse = (short) => {
  document.body.classList.toggle("terse", short);
  sizes.setAttribute("aria-pressed", String(!short));
};
sizes.textContent = "Show n under each number";
sizes.addEventListener("click", () => terse(!document.body.classList.contains("terse")));
terse(true);
document.querySelector("header").append(" ", sizes);
// Long tables get a box that keeps the rows in which every word that is typed stands; sorting keeps what is hidden hidden.
const LONG = 12;
document.querySelectorAll(".scroll > table").forEach((table) => {
  const rows = [...table.tBodies[0].rows];
  if (rows.length < LONG) return;
  const box = document.createElement("p");
  const words = document.createElement("input");
  const said = document.createElement("output");
  const name = document.createElement("label");
  box.className = "filter";
  words.type = "search";
  words.autocomplete = "off";
  name.append("Show rows with ", words);
  box.append(name, " ", said);
  words.addEventListener("input", () => {
    const asked = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = rows.filter((row) => {
      const text = row.textContent.toLowerCase();
      row.hidden = !asked.every((word) => text.includes(word));
      return !row.hidden;
    });
    said.textContent = asked.length ? `${kept.length} of ${rows.length} rows` : "";
  });
  table.parentElement.before(box);
});
// Pairs of pictures: laid over each other, the second uncovered from the left by a slider, or all at once by a button.
document.querySelectorAll(".compare").forEach((pair) => {
  const after = pair.querySelector(".frames img:last-of-type");
  const title = pair.querySelector("figcaption").textContent;
  const slider = document.createElement("input");
  const button = document.createElement("button");
  const show = (share) => {
    slider.value = share;
    after.style.clipPath = `inset(0 ${100 - share}% 0 0)`;
    button.textContent = Number(share) > 50 ? "Show clean" : "Show attacked";
  };
  Object.assign(slider, { type: "range", min: 0, max: 100, step: 5 });
  slider.setAttribute("aria-label", `Share that shows the attacked image: ${title}`);
  slider.addEventListener("input", () => show(slider.value));
  button.type = "button";
  button.addEventListener("click", () => show(Number(slider.value) > 50 ? 0 : 100));
  pair.querySelector(".frames").after(slider, button);
  pair.classList.add("laid");
  show(50);
});
