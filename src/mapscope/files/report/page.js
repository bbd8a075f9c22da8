"use strict";
// Sorts a table by the column whose title is clicked; what is empty comes last.
const numberOf = (text) => Number(text.replace(/\u2212/g, "-").replace(/,/g, ""));

function sortBy(table, heading, column) {
  const isUp = heading.getAttribute("aria-sort") !== "ascending";
  const body = table.tBodies[0];
  const isNumber = heading.classList.contains("number");
  const rows = Array.from(body.rows, (row) => {
    const text = row.cells[column].textContent;
    return { row, text, isEmpty: text === "", value: isNumber ? numberOf(text) : text };
  });
  const compare = (a, b) =>
    isNumber ? a.value - b.value : a.text.localeCompare(b.text, "en", { numeric: true });
  rows.sort((a, b) => a.isEmpty - b.isEmpty || (isUp ? compare(a, b) : compare(b, a)));
  for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", isUp ? "ascending" : "descending");
  body.append(...rows.map((entry) => entry.row));
}

for (const table of document.querySelectorAll("table.sortable")) {
  Array.from(table.tHead.rows[0].cells).forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sortBy(table, heading, column));
  });
}
