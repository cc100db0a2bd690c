// A long table, a page at a time: sort, filter, download. Columns have values; text is made for what is shown.

import { button, html } from "./dom.js";
import { csv, download } from "./exports.js";
import { matches, sortable, sorted, toolbar } from "./sorting.js";
import { count, number } from "./words.js";

export class Grid {
  /** `words`: title, note, file name, rows on a page, and help for the columns if that is wanted. */
  constructor(container, words) {
    this.words = words;
    this.tools = toolbar(words.title, (filter) => this.filterBy(filter), () => this.save());
    this.body = html("tbody");
    this.head = html("thead");
    this.table = html("table", {}, this.head, this.body);
    this.pages = html("div", { class: "pages" });
    this.help = html("dl");
    container.append(
      html("h3", {}, words.title), this.tools.bar,
      html("div", { class: "wide", tabindex: "0", role: "region", "aria-label": words.title }, this.table),
      this.pages, words.note ? html("p", { class: "note" }, words.note) : "",
      html("details", {}, html("summary", {}, "What the columns mean"), this.help),
    );
  }

  /** Show rows 0 to `length` of columns `{ name, help, numeric, value(i) }`. */
  show(columns, length) {
    this.columns = columns;
    this.length = length;
    this.order = Array.from({ length }, (_, i) => i);
    this.page = 0;
    this.filter = this.tools.field.value;
    const headings = columns.map(({ name, numeric }) => html("th", { scope: "col", class: numeric ? "number" : null }, name));
    this.head.replaceChildren(html("tr", {}, ...headings));
    this.help.replaceChildren(...columns.map(({ name, help }) => html("div", {}, html("dt", {}, name), html("dd", {}, help))));
    sortable(headings, (column, direction) => {
      this.order = sorted(this.order, columns[column].value, direction);
      this.page = 0;
      this.refresh();
    });
    this.refresh();
  }

  filterBy(filter) {
    this.filter = filter;
    this.page = 0;
    this.refresh();
  }

  get visible() {
    if (!this.filter) return this.order;
    const text = (i) => this.columns.map(({ value }) => value(i) ?? "").join(" ");
    return this.order.filter((i) => matches(text(i), this.filter));
  }

  refresh() {
    const visible = this.visible;
    const { rows } = this.words;
    const start = this.page * rows;
    const shown = visible.slice(start, start + rows);
    this.body.replaceChildren(...shown.map((i) => html("tr", {}, ...this.columns.map((column) => cell(column, i)))));
    this.tools.shown.textContent = visible.length === this.length ? count(this.length, "row") : `${visible.length} of ${count(this.length, "row")}`;
    const last = Math.max(Math.ceil(visible.length / rows) - 1, 0);
    const go = (page) => {
      this.page = page;
      this.refresh();
    };
    const step = (label, page) => button(label, () => go(page), { disabled: page < 0 || page > last, "aria-label": `${label} page: ${this.words.title}` });
    this.pages.replaceChildren(...(last ? [step("Previous", this.page - 1), html("span", {}, `page ${this.page + 1} of ${last + 1}`), step("Next", this.page + 1)] : []));
  }

  save() {
    const rows = this.visible.map((i) => this.columns.map(({ value }) => value(i)));
    download(this.words.file.replace(/\.parquet$/, ".csv"), csv(this.columns.map(({ name }) => name), rows), "text/csv");
  }
}

function cell({ numeric, value }, i) {
  const content = value(i);
  const text = typeof content === "number" ? number(content) : (content ?? (numeric ? "–" : ""));
  return html("td", { class: numeric ? "number" : text.length > 28 ? "long" : null }, text);
}

/** The long tables of the run. */
export function showGrids(container, grids) {
  for (const { title, note, file, columns } of grids) {
    const box = container.appendChild(html("div", { class: "table" }));
    const grid = new Grid(box, { title, note: `${note} All digits are in ${file}.`, file, rows: 15 });
    grid.show(columns.map(reader), columns[0].values.length);
  }
}

function reader({ name, help, numeric, values, names }) {
  const value = (i) => (names ? names[values[i]] : values[i] === "inf" ? Infinity : values[i] === "-inf" ? -Infinity : values[i]);
  return { name, help, numeric, value };
}
