// The controls of the explorer: what can be chosen follows from what the run has.

import { byId, fill, html } from "./dom.js";
import { derivativeSymbol } from "./words.js";

const PREFERRED = ["forward-1", "central-2", "central-4"];
const VARIANTS = { integer: "integer numerators", float: "rounded weights", mixed: "float32 sums" };

/** Set all controls as the state says, as far as the run allows; gives the state that is shown. */
export function setControls(run, state) {
  const problem = fill(byId("explorer-problem"), problemOptions(run), state.problem);
  const point = fill(byId("explorer-point"), pointOptions(run, problem), state.point);
  const here = run.seriesAt(problem, point);
  const derivative = fill(byId("explorer-derivative"), derivativeOptions(here), state.derivative ?? "1");
  const mine = here.filter((one) => one.derivative === Number(derivative));
  const format = fill(byId("explorer-format"), formatOptions(run, mine), state.format ?? "float64");
  const inFormat = mine.filter((one) => one.format === format);
  const variants = [...new Set(inFormat.map((one) => one.variant))];
  const variant = fill(byId("explorer-variant"), variants.map((value) => ({ value, label: VARIANTS[value] ?? value })), state.variant ?? "integer");
  byId("explorer-variant").disabled = variants.length < 2;
  const stencils = setStencils(run, inFormat, state.stencils);
  if (state.show) setChecked("show", state.show);
  const shown = { problem, point, derivative, format, variant, stencils, show: checked("show") };
  return { ...shown, ...setCompare(run, shown, state), zoom: state.zoom ?? null, hidden: state.hidden ?? [] };
}

/** What the controls say now. */
export function readControls() {
  const value = (id) => byId(`explorer-${id}`).value;
  return {
    problem: value("problem"), point: value("point"), derivative: value("derivative"), format: value("format"),
    variant: value("variant"), stencils: checked("stencil"), show: checked("show"), compare: value("compare"),
    format2: value("format2"), problem2: value("problem2"), point2: value("point2"),
  };
}

function problemOptions(run) {
  return run.problems.map(({ name, group }) => ({ value: name, group: group || "problems" }));
}

function pointOptions(run, problem) {
  return run.points(problem).map(({ point }) => ({ value: point }));
}

function derivativeOptions(series) {
  const orders = [...new Set(series.map((one) => one.derivative))].sort((a, b) => a - b);
  return orders.map((order) => ({ value: order, label: derivativeSymbol(order) }));
}

function formatOptions(run, series) {
  const present = new Set(series.map((one) => one.format));
  return run.formats.filter((name) => present.has(name)).map((value) => ({ value }));
}

function setStencils(run, series, wanted) {
  const names = run.stencils.filter((name) => series.some((one) => one.stencil === name));
  const known = (wanted ?? []).filter((name) => names.includes(name));
  const usual = names.filter((name) => PREFERRED.slice(0, 2).includes(name));
  const on = new Set(known.length ? known : usual.length ? usual : names.slice(0, 2));
  const boxes = names.map((name) => {
    const box = html("input", { type: "checkbox", name: "stencil", value: name });
    box.checked = on.has(name);
    return html("label", { class: "check" }, box, ` ${name}`);
  });
  const list = byId("explorer-stencils").querySelector(".checks");
  const focused = list.contains(document.activeElement) ? document.activeElement.value : null;
  list.replaceChildren(...boxes);
  if (focused) list.querySelector(`input[value="${CSS.escape(focused)}"]`)?.focus();
  return names.filter((name) => on.has(name));
}

function setCompare(run, shown, state) {
  const compare = ["format", "problem"].includes(state.compare) ? state.compare : "";
  byId("explorer-compare").value = compare;
  const formats = formatOptions(run, run.seriesAt(shown.problem, shown.point)).filter(({ value }) => value !== shown.format);
  const format2 = fill(byId("explorer-format2"), formats, state.format2);
  const problem2 = fill(byId("explorer-problem2"), problemOptions(run), state.problem2 || run.showcase[0]);
  const point2 = fill(byId("explorer-point2"), pointOptions(run, problem2), state.point2);
  byId("explorer-format2").closest("p").hidden = compare !== "format";
  byId("explorer-problem2").closest("p").hidden = byId("explorer-point2").closest("p").hidden = compare !== "problem";
  if (compare === "format" && !format2) return { compare: "" };
  return { compare, ...(compare === "format" ? { format2 } : {}), ...(compare === "problem" ? { problem2, point2 } : {}) };
}

function checked(name) {
  return [...document.querySelectorAll(`#explorer-controls input[name="${name}"]:checked`)].map((box) => box.value);
}

function setChecked(name, values) {
  for (const box of document.querySelectorAll(`#explorer-controls input[name="${name}"]`)) box.checked = values.includes(box.value);
}
