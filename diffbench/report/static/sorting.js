// Headings that sort, a field that filters, a button that downloads: the same for every table of the page.

import { button, html } from "./dom.js";

let fields = 0;

/** Numbers before what is none, text by the alphabet; stable. */
export function compare(a, b) {
  const [x, y] = [rank(a), rank(b)];
  if (x !== y) return x - y;
  if (x === 1) return a.localeCompare(b, "en", { numeric: true });
  return x === 0 ? a - b : 0;
}

function rank(value) {
  if (typeof value === "number" && !Number.isNaN(value)) return 0;
  return typeof value === "string" && value !== "" ? 1 : 2;
}

/** The order of `length` rows by `value(i)`; rows without a value come last in both directions. */
export function sorted(order, value, direction) {
  const key = new Map(order.map((i) => [i, value(i)]));
  return [...order].sort((i, j) => {
    const [a, b] = [key.get(i), key.get(j)];
    const last = rank(a) === 2 || rank(b) === 2;
    return (last ? 1 : direction) * compare(a, b);
  });
}

/** Turn the headings of a table into buttons; `onSort(column, direction)` sorts. */
export function sortable(headings, onSort) {
  headings.forEach((heading, column) => {
    const label = heading.textContent;
    const sort = button(label, () => {
      const direction = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
      onSort(column, direction);
    }, { class: "sort" });
    heading.replaceChildren(sort);
  });
}

/** Filter field, count and download of a table called `title`. */
export function toolbar(title, onFilter, onDownload) {
  fields += 1;
  const id = `filter-${fields}`;
  const field = html("input", { id, type: "search", autocomplete: "off" });
  field.addEventListener("input", () => onFilter(field.value));
  const shown = html("span", { class: "shown", role: "status" });
  const bar = html("div", { class: "toolbar" },
    html("label", { for: id }, "Filter"), field, shown,
    button("Download CSV", onDownload, { "aria-label": `Download CSV: ${title}` }),
  );
  return { bar, field, shown };
}

/** Whether all words of a filter are in a text. */
export function matches(text, filter) {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const lower = text.toLowerCase();
  return words.every((word) => lower.includes(word));
}
