// The tables that are in the page as text: sort, filter, download.

import { csv, download } from "./exports.js";
import { matches, sortable, sorted, toolbar } from "./sorting.js";
import { count, parsed } from "./words.js";

const FEW = 4; // a table with fewer rows needs no filter

export function enhanceTables() {
  for (const box of document.querySelectorAll("[data-table]")) enhance(box, box.dataset.table);
}

function enhance(box, title) {
  const table = box.querySelector("table");
  const headings = [...table.tHead.rows[0].cells];
  const names = headings.map((cell) => cell.textContent);
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const cells = rows.map((row) => [...row.cells].map((cell) => cell.textContent));
  const numeric = headings.map((cell) => cell.classList.contains("number"));
  const valueAt = (i, column) => {
    const text = cells[i][column];
    if (text === "–") return "";
    const value = numeric[column] ? parsed(text) : NaN;
    return Number.isNaN(value) ? text : value;
  };
  let order = rows.map((_, i) => i);
  let filter = "";

  const visible = () => order.filter((i) => matches(cells[i].join(" "), filter));
  const refresh = () => {
    const shown = visible();
    body.replaceChildren(...shown.map((i) => rows[i]));
    tools.shown.textContent = filter ? `${shown.length} of ${count(rows.length, "row")}` : count(rows.length, "row");
  };
  const values = (i) => cells[i].map((text, column) => {
    const value = valueAt(i, column);
    return typeof value === "number" && !Number.isNaN(value) && !/ of /.test(text) ? value : text;
  });
  const tools = toolbar(
    title,
    (wanted) => {
      filter = wanted;
      refresh();
    },
    () => download(`${title.replace(/[^\w.-]+/g, "_")}.csv`, csv(names, visible().map(values)), "text/csv"),
  );
  sortable(headings, (column, direction) => {
    order = sorted(order, (i) => valueAt(i, column), direction);
    refresh();
  });
  if (rows.length < FEW) tools.field.hidden = tools.bar.querySelector("label").hidden = true;
  table.parentElement.before(tools.bar);
  refresh();
}
