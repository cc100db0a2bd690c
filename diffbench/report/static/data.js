// The run as the page holds it: series with their scores, and the rows of a point when they are asked for.

import { numbersAt, unsqueeze, unsqueezeJson } from "./codec.js";

const NAMES = {
  h_best: "hBest", error_best: "errorBest", observed_order: "observedOrder", order_h_low: "orderLow",
  order_h_high: "orderHigh", autodiff_error: "autodiff", relative_to: "relativeTo",
};

export class Run {
  constructor(payload) {
    Object.assign(this, payload);
    this.byName = new Map(payload.problems.map((problem) => [problem.name, problem]));
    this.opened = new Map();
  }

  /** Read the scores of all series; nothing else works before. */
  async open() {
    const columns = await unsqueezeJson(this.series);
    this.grids = columns.grids;
    this.at = new Map();
    const length = columns.problem.codes.length;
    for (let id = 0; id < length; id += 1) {
      const one = { id };
      for (const [name, column] of Object.entries(columns)) {
        if (name === "grids") continue;
        one[NAMES[name] ?? name] = column.codes ? column.names[column.codes[id]] : column[id];
      }
      const place = key(one.problem, one.point);
      if (!this.at.has(place)) this.at.set(place, []);
      this.at.get(place).push(one);
    }
  }

  /** The series of one point, without rows. */
  seriesAt(problem, point) {
    return this.at.get(key(problem, point)) ?? [];
  }

  points(problem) {
    return this.byName.get(problem)?.points ?? [];
  }

  /** Every row of a point: `{ series: [...with rows], choices: [...] }`. */
  async rows(problem, point) {
    const place = key(problem, point);
    if (!this.opened.has(place)) this.opened.set(place, this.read(problem, point));
    return this.opened.get(place);
  }

  async read(problem, point) {
    const entry = this.points(problem).find((one) => one.point === point);
    if (!entry) return { series: [], choices: [] };
    const bytes = await unsqueeze(entry.rows);
    const members = this.seriesAt(problem, point);
    const total = members.reduce((sum, one) => sum + this.grids[one.grid].length, 0);
    const columns = Object.fromEntries(
      this.values.map((name, i) => [name, numbersAt(bytes, 3 * i * total, total)]),
    );
    const status = bytes.subarray(3 * this.values.length * total, (3 * this.values.length + 1) * total);
    let start = 0;
    const series = members.map((one) => {
      const h = this.grids[one.grid];
      const end = start + h.length;
      const rows = h.map((step, i) => this.row(one, step, start + i, columns, status));
      start = end;
      return { ...one, rows };
    });
    return { series, choices: this.readChoices(bytes, (3 * this.values.length + 1) * total, entry.choices) };
  }

  row(series, h, i, columns, status) {
    const row = { series, h, status: this.statuses[status[i]] };
    for (const name of this.values) row[name] = columns[name][i];
    row.relative = Math.abs(row.error) / series.unit;
    return row;
  }

  /** What the methods of the tournament chose at this point. */
  readChoices(bytes, start, length) {
    const small = (i) => bytes.subarray(start + i * length, start + (i + 1) * length);
    const [method, format, derivative, status] = [small(0), small(1), small(2), small(3)];
    const columns = this.choices.map((_, i) => numbersAt(bytes, start + (4 + 3 * i) * length, length));
    return Array.from({ length }, (_, i) => ({
      method: this.methods[method[i]],
      format: this.formats[format[i]],
      derivative: derivative[i],
      status: this.statuses[status[i]],
      ...Object.fromEntries(this.choices.map((name, k) => [name, columns[k][i]])),
    }));
  }
}

function key(problem, point) {
  return `${problem}\u0000${point}`;
}
