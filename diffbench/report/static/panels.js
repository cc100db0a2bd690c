// What one panel shows: the series of a problem, point and format as lines and marks, ready to be drawn.

import { errorLimits, runningMedian, slopeTriangle, stepLimits } from "./curves.js";
import { lookOfPart, lookOfStencil } from "./looks.js";
import { derivativeSymbol, number } from "./words.js";

/** Series of the point that are asked for: one per stencil. */
export function chosenSeries(data, { format, derivative, variant, stencils }) {
  const mine = data.series.filter((one) => one.format === format && one.derivative === Number(derivative) && one.variant === variant);
  return stencils.flatMap((name) => mine.filter((one) => one.stencil === name));
}

/** A panel with its limits; `run` knows all stencils and parts, `show` is the set of what is wanted. */
export function panelOf(run, data, wanted, show) {
  const series = chosenSeries(data, wanted);
  const estimates = !series.some((one) => one.rows.some((row) => Number.isFinite(row.error)));
  const panel = { title: `${wanted.problem} at x = ${wanted.point}, ${wanted.format}`, series, estimates };
  Object.assign(panel, { lines: [], clouds: [], stars: [], levels: [], triangles: [] });
  const u = run.roundoff[wanted.format];
  if (estimates) return estimatesPanel(run, panel, wanted);
  const relative = series[0].relativeTo !== "nothing";
  if (relative) panel.band = u;
  series.forEach((one, level) => {
    const look = lookOfStencil(one.stencil, run.stencils);
    addMeasured(panel, one, look, level);
    for (const part of run.parts) {
      if (show.has(part)) addPart(panel, one, part, series.length === 1 ? lookOfPart(part) : { ...lookOfPart(part), colour: look.colour });
    }
    if (show.has("optimum")) addStar(panel, one, look);
    if (show.has("predicted")) addPredicted(panel, one);
  });
  if (show.has("slopes")) addSlopes(panel, series);
  if (show.has("autodiff")) addAutodiff(panel, series[0]);
  if (show.has("rules")) addChoices(run, panel, data.choices, wanted, series[0].unit);
  panel.limits = {
    x: stepLimits(series.flatMap((one) => one.rows.map((row) => row.h))),
    y: errorLimits(series.flatMap((one) => one.rows.map((row) => row.relative)), relative ? [u] : []),
  };
  panel.label = errorLabel(series[0]);
  return panel;
}

function errorLabel({ derivative, relativeTo }) {
  const symbol = derivativeSymbol(derivative);
  if (relativeTo === "derivative") return `relative error of ${symbol}`;
  return relativeTo === "scale" ? `error relative to max|f| / scale, where ${symbol} = 0` : `absolute error of ${symbol}`;
}

function addMeasured(panel, one, look, level) {
  const key = one.stencil;
  const rows = one.rows.filter((row) => row.h > 0 && Number.isFinite(row.error)).reverse();
  const line = rows.filter((row) => row.status !== "step_vanished");
  const h = line.map((row) => row.h);
  const y = runningMedian(h, line.map((row) => row.relative));
  panel.lines.push({ key, x: h, y: y.map((v) => (v > 0 ? v : NaN)), ...look, width: 2, level });
  const points = (list) => list.map((row) => ({ x: row.h, y: row.relative, row }));
  panel.clouds.push(
    { key, ...look, points: points(line.filter((row) => row.error !== 0)) },
    { key, ...look, marker: "cross", size: 3, points: points(rows.filter((row) => row.status === "step_vanished" && row.error !== 0)) },
    { key, ...look, marker: "cup", size: 4, floor: true, opacity: 0.9, points: points(rows.filter((row) => row.error === 0)) },
  );
}

function addPart(panel, one, part, look) {
  const rows = one.rows.filter((row) => row.h > 0 && Math.abs(row[part]) > 0).reverse();
  const h = rows.map((row) => row.h);
  const sizes = rows.map((row) => Math.abs(row[part]) / one.unit);
  const smooth = part === "truncation" ? sizes : runningMedian(h, sizes);
  panel.lines.push({ key: part, x: h, y: smooth, ...look, marker: null, width: 1.3 });
}

function addStar(panel, one, look) {
  if (!(one.hBest > 0) || !(one.errorBest > 0)) return;
  const row = { series: one, best: true, h: one.hBest, relative: one.errorBest / one.unit, error: one.errorBest };
  panel.stars.push({ key: "optimum", x: one.hBest, y: one.errorBest / one.unit, colour: look.colour, row });
}

function addPredicted(panel, one) {
  const h = one.rows.map((row) => row.h).filter((step) => step > 0).reverse();
  const curve = (factor, power) => h.map((step) => (factor > 0 ? (factor * step ** power) / one.unit : NaN));
  const look = { key: "predicted", x: h, colour: "grey", width: 1, marker: null };
  if (one.a > 0 && one.power !== null) panel.lines.push({ ...look, y: curve(one.a, one.power) });
  if (one.b > 0) panel.lines.push({ ...look, y: curve(one.b, -one.derivative), dash: "4 2" });
}

function addSlopes(panel, series) {
  const seen = new Set();
  for (const one of series) {
    const high = Math.log10(Math.max(...one.rows.map((row) => row.h ?? 0)));
    const low = Math.log10(Math.min(...one.rows.filter((row) => row.status === "ok").map((row) => row.h)));
    const best = one.hBest > 0 ? Math.log10(one.hBest) : NaN;
    const rising = seen.has(one.power) ? null : slopeTriangle(one.a / one.unit, one.power, best, high);
    const falling = seen.has(-one.derivative) ? null : slopeTriangle(one.b / one.unit, -one.derivative, low, best);
    for (const triangle of [rising, falling].filter(Boolean)) panel.triangles.push({ key: "slopes", ...triangle });
    if (rising) seen.add(one.power);
    if (falling) seen.add(-one.derivative);
  }
}

function addAutodiff(panel, one) {
  if (!(one.autodiff > 0)) return;
  const y = one.autodiff / one.unit;
  panel.levels.push({ key: "autodiff", y, colour: "ink", dash: "2 3", label: `autodiff ${number(y, 2)}`, right: true });
}

/** The step of every rule and method at this point; those without a step stand on the right edge. */
function addChoices(run, panel, choices, { format, derivative, stencils }, unit) {
  const mine = choices.filter((one) => {
    if (one.format !== format || one.derivative !== Number(derivative)) return false;
    const [stencil, rule] = one.method.split("@");
    return rule === undefined || stencils.includes(stencil);
  });
  panel.choices = mine.length;
  const points = mine.map((one) => {
    const relative = Math.abs(one.error) / unit;
    return { x: one.h, y: relative, row: { choice: one, h: one.h, error: one.error, relative, status: one.status } };
  });
  for (const point of points) {
    const [stencil, rule] = point.row.choice.method.split("@");
    const look = rule === undefined ? { colour: "ink" } : lookOfStencil(stencil, run.stencils);
    const edge = !(point.x > 0);
    panel.clouds.push({
      key: "rules", colour: look.colour, marker: edge ? "left" : "diamond", size: 5, hollow: true, opacity: 1,
      edge, floor: point.row.error === 0, points: [point],
    });
  }
}

/** Where no derivative exists the estimates themselves are shown, with the one-sided derivatives. */
function estimatesPanel(run, panel, { derivative }) {
  const values = [];
  panel.series.forEach((one, level) => {
    const look = lookOfStencil(one.stencil, run.stencils);
    const rows = one.rows.filter((row) => row.h > 0 && Number.isFinite(row.estimate)).reverse();
    values.push(...rows.map((row) => row.estimate));
    const [x, y] = [rows.map((row) => row.h), rows.map((row) => row.estimate)];
    panel.lines.push({ key: one.stencil, x, y, ...look, level });
    panel.clouds.push({ key: one.stencil, ...look, points: rows.map((row) => ({ x: row.h, y: row.estimate, row })) });
  });
  const first = panel.series[0];
  for (const [side, name] of [["left", "left derivative"], ["right", "right derivative"]]) {
    if (first && first[side] !== null && first[side] !== undefined) {
      panel.levels.push({ key: side, y: first[side], label: `${name} ${number(first[side])}`, below: side === "left", dash: "2 3", right: true });
      values.push(first[side]);
    }
  }
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const low = sorted[Math.floor(0.02 * sorted.length)] ?? -1;
  const high = sorted[Math.ceil(0.98 * (sorted.length - 1))] ?? 1;
  const room = 0.12 * (high - low) || Math.max(Math.abs(high), 1) * 0.2;
  panel.limits = { x: stepLimits(panel.series.flatMap((one) => one.rows.map((row) => row.h))), y: [low - room, high + room] };
  panel.label = `estimate of ${derivativeSymbol(Number(derivative))}`;
  if (!sorted.length) panel.empty = why(panel.series);
  return panel;
}

function why(series) {
  const one = series[0];
  if (!one) return "this run has no such series";
  const { status } = one.rows[0] ?? {};
  return `no results: ${status}${one.message ? `, ${one.message}` : ""}`;
}

/** One figure of one or two panels with equal axes, where they show the same kind of thing. */
export function figureOf(panels, title, legend) {
  const first = panels[0];
  const same = panels.every((panel) => panel.estimates === first.estimates);
  const joined = (axis) => [
    Math.min(...panels.map((panel) => panel.limits[axis][0])), Math.max(...panels.map((panel) => panel.limits[axis][1])),
  ];
  const axis = (panel, domain) => ({ label: panel.label, log: !panel.estimates, domain });
  return {
    title,
    description: `${title}. ${panels.map((panel) => panel.title).join("; ")}.`,
    panels: panels.map((panel) => (same ? panel : { ...panel, y: axis(panel, panel.limits.y) })),
    x: { label: "step h", log: true, domain: joined("x") },
    y: axis(first, same ? joined("y") : first.limits.y),
    legend,
  };
}
