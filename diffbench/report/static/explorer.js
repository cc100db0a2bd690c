// The explorer: controls, figure, rows below it, the command that makes them, and the link that restores all.

import { readControls, setControls } from "./controls.js";
import { byId, html } from "./dom.js";
import { download, pngBlob, svgText } from "./exports.js";
import { Figure } from "./figure.js";
import { Grid } from "./grid.js";
import { lookOfPart, lookOfStencil } from "./looks.js";
import { figureOf, panelOf } from "./panels.js";
import { readState, writeState } from "./state.js";
import { count, derivativeSymbol, number, quoted } from "./words.js";

const SHOWN = {
  optimum: { label: "robust best step", colour: "grey", marker: "star" },
  predicted: { label: "predicted truncation and rounding", colour: "grey", line: true, width: 1 },
  slopes: { label: "slopes", colour: "ink", marker: "up", hollow: true },
  autodiff: { label: "autodiff", colour: "ink", line: true, width: 1, dash: "2 3" },
  rules: { label: "choices of step rules and methods", colour: "grey", marker: "diamond", hollow: true },
};

export class Explorer {
  constructor(run) {
    this.run = run;
    this.figure = new Figure(byId("explorer-plot"), {
      describe: (row) => describe(run, row),
      announce: (text) => { byId("explorer-plot-status").textContent = text; },
      onView: () => this.keepLink(),
    });
    this.grid = new Grid(byId("explorer-rows"), { title: "The rows of the figure", file: "rows.csv", note: "", rows: 20 });
    this.turn = 0;
    byId("explorer-controls").addEventListener("change", () => this.changed());
    byId("explorer-controls").addEventListener("submit", (event) => event.preventDefault());
    byId("explorer-zoom-in").addEventListener("click", () => this.figure.zoomBy(0.5));
    byId("explorer-zoom-out").addEventListener("click", () => this.figure.zoomBy(2));
    byId("explorer-reset").addEventListener("click", () => this.figure.setZoom(null));
    byId("explorer-save-svg").addEventListener("click", () => this.save("svg"));
    byId("explorer-save-png").addEventListener("click", () => this.save("png"));
    addEventListener("hashchange", () => this.follow());
    byId("explorer-density").textContent = this.density();
  }

  /** Show what the address says, or the problem that everybody knows. */
  async start() {
    const [problem, point] = this.run.showcase;
    const state = readState(location.hash);
    await this.show(state ?? { problem, point });
    if (state) byId("explorer").scrollIntoView();
  }

  async follow() {
    const state = readState(location.hash);
    if (!state) return;
    await this.show(state);
    byId("explorer").scrollIntoView();
  }

  async changed() {
    const before = this.state;
    const wanted = readControls();
    const moved = ["problem", "derivative", "format", "point", "compare", "problem2", "format2", "point2"].some((name) => wanted[name] !== (before[name] ?? wanted[name]));
    await this.show({ ...wanted, zoom: moved ? null : this.figure.zoom, hidden: [...this.figure.hidden] });
    this.keepLink();
  }

  async show(asked) {
    const started = performance.now();
    this.turn += 1;
    const turn = this.turn;
    const state = setControls(this.run, asked);
    const wanted = [state];
    if (state.compare === "format") wanted.push({ ...state, format: state.format2 });
    if (state.compare === "problem") wanted.push({ ...state, problem: state.problem2, point: state.point2 });
    const data = await Promise.all(wanted.map((one) => this.run.rows(one.problem, one.point)));
    if (turn !== this.turn) return; // something else was asked for meanwhile
    const show = new Set(state.show);
    const panels = wanted.map((one, i) => panelOf(this.run, data[i], one, show));
    this.state = state;
    this.panels = panels;
    this.figure.hidden = new Set(state.hidden);
    this.figure.zoom = state.zoom;
    this.figure.show(figureOf(panels, this.title(state), this.legend(state, panels)));
    this.describeView(panels);
    this.updateLink();
    document.documentElement.dataset.redraw = String(Math.round(performance.now() - started));
    this.shown = turn;
  }

  title({ derivative, problem, point, stencils }) {
    return `Error of ${derivativeSymbol(Number(derivative))} against the step: ${problem} at x = ${point}, ${stencils.join(", ")}`;
  }

  legend(state, panels) {
    const series = state.stencils.map((name) => ({ key: name, label: name, line: true, ...lookOfStencil(name, this.run.stencils) }));
    if (panels.every((panel) => panel.estimates)) return series;
    const single = state.stencils.length === 1;
    const parts = this.run.parts.filter((part) => state.show.includes(part)).map((part) => {
      const look = lookOfPart(part);
      return { key: part, label: part, line: true, width: 1.3, ...look, colour: single ? look.colour : "grey", marker: null };
    });
    const others = Object.entries(SHOWN).filter(([key]) => state.show.includes(key)).map(([key, look]) => ({ key, ...look }));
    return [...series, ...parts, ...others];
  }

  describeView(panels) {
    const rows = panels.flatMap((panel) => panel.series.flatMap((one) => one.rows));
    this.grid.show(rowColumns(this.run, rows), rows.length);
    const empty = panels.map((panel) => panel.empty).filter(Boolean);
    const choices = panels.some((panel) => panel.choices !== undefined) && !panels.some((panel) => panel.choices)
      ? " This run has no choices of step rules here."
      : "";
    byId("explorer-plot-caption").textContent = empty.length
      ? `${panels.map((panel) => panel.title).join("; ")}: ${empty.join("; ")}.`
      : `Marks are single steps, the line is their running median; a cross is a step at which nodes coincide, a cup on the floor an error of exactly 0. Drag over a region to zoom.${choices}`;
    byId("explorer-command").textContent = panels.map((panel) => this.command(panel)).filter(Boolean).join("\n");
    const { program, cite } = this.run.byName.get(this.state.problem) ?? {};
    byId("explorer-function").replaceChildren(
      ...(program ? [html("pre", { tabindex: "0", role: "region", "aria-label": "The program" }, program)] : []),
      ...(cite ? [html("p", { class: "note" }, `From: ${cite}`)] : []),
    );
  }

  command({ series }) {
    if (!series.length) return "";
    const { problem, point, derivative, format, variant } = series[0];
    const stencils = series.map((one) => `--stencil ${quoted(one.stencil)}`).join(" ");
    const extra = [
      variant === "integer" ? "" : ` --variant ${quoted(variant)}`,
      this.run.density ? ` --steps-per-decade ${this.run.density}` : "",
    ].join("");
    return `diffbench sweep ${quoted(problem)} --at ${quoted(point)} --derivative ${derivative} --format ${quoted(format)} ${stencils}${extra} --out rows.csv`;
  }

  density() {
    const { stride, density, kept, total } = this.run;
    const every = stride === 1 ? "Every step of the run is on this page" : `Every ${ordinal(stride)} step of the run is on this page${density ? ` (of ${density} per decade)` : ""}`;
    return `${every}, with four significant digits: ${count(kept, "row")} of ${count(total, "row")}. The full rows, with all digits, are in sweep.parquet.`;
  }

  /** The address changes with the view, without a step in the history. */
  keepLink() {
    this.updateLink();
    history.replaceState(null, "", byId("explorer-permalink").getAttribute("href"));
  }

  updateLink() {
    this.state = { ...this.state, zoom: this.figure.zoom, hidden: [...this.figure.hidden] };
    byId("explorer-permalink").setAttribute("href", writeState(this.state));
  }

  async save(kind) {
    const parameters = `diffbench explorer ${writeState(this.state)}\n${byId("explorer-command").textContent}`;
    const name = `${this.state.problem}-${this.state.format}`.replace(/[^\w.-]+/g, "_");
    if (kind === "svg") download(`${name}.svg`, svgText(this.figure.current, parameters), "image/svg+xml");
    else download(`${name}.png`, await pngBlob(this.figure.current, parameters), "image/png");
  }
}

function ordinal(n) {
  return { 2: "second", 3: "third" }[n] ?? `${n}th`;
}

/** The lines of a tooltip. */
export function describe(run, row) {
  if (row.choice) {
    const { method, evaluations, regret } = row.choice;
    return [
      method, `h = ${number(row.h)}`, `relative error ${number(row.relative)}`, `${number(evaluations)} evaluations`,
      `regret ${number(regret)}`, `status ${row.status}`,
    ];
  }
  const { series } = row;
  if (row.best) {
    return [`robust best step of ${series.stencil}, ${series.format}`, `h = ${number(row.h)}`, `relative error ${number(row.relative)}`, `${number(series.digits, 3)} digits`];
  }
  const lines = [`${series.stencil}, ${series.format}`, `h = ${number(row.h)}`];
  if (Number.isFinite(row.error)) {
    lines.push(`error ${number(row.error)} (relative ${number(row.relative)})`);
    for (const part of run.parts) if (Number.isFinite(row[part])) lines.push(`${part} ${number(row[part])}`);
  } else if (Number.isFinite(row.estimate)) lines.push(`estimate ${number(row.estimate)}`);
  lines.push(row.status === "ok" ? "status ok" : `status ${row.status}: ${run.meaning[row.status] ?? ""}`);
  return lines;
}

function rowColumns(run, rows) {
  const text = (name, help, get) => ({ name, help, numeric: false, value: (i) => get(rows[i]) });
  const value = (name, help, get) => ({ name, help, numeric: true, value: (i) => get(rows[i]) });
  return [
    text("problem", "Name in the catalogue.", (row) => row.series.problem),
    text("format", "The floating-point format.", (row) => row.series.format),
    text("stencil", "The finite-difference formula.", (row) => row.series.stencil),
    value("h", "The step, a number of the format.", (row) => row.h),
    value("error", "Estimate minus true derivative.", (row) => row.error),
    value("relative error", "Its size, relative to the derivative (or to max|f| / scale where that is 0).", (row) => row.relative),
    ...run.parts.map((part) => value(part, `The part of the error called ${part}; see Method.`, (row) => row[part])),
    value("estimate", "What the formula gave.", (row) => row.estimate),
    text("status", "ok, or why the row cannot be trusted.", (row) => row.status),
  ];
}
