// The figure of the first screen: forward and central difference in every format, drawn from the run.

import { errorLimits, runningMedian, slopeTriangle, stepLimits } from "./curves.js";
import { byId } from "./dom.js";
import { describe } from "./explorer.js";
import { Figure } from "./figure.js";
import { lookOfFormat } from "./looks.js";
import { derivativeSymbol } from "./words.js";

const WANTED = ["forward-1", "central-2"];

/** Draw it; false where the run has not the rows, and the still figure stays. */
export async function showSignature(run) {
  const place = byId("signature");
  if (!place || !run.showcase.length) return false;
  const [problem, point] = run.showcase;
  const data = await run.rows(problem, point);
  const order = Math.min(...data.series.map((one) => one.derivative));
  const mine = data.series.filter((one) => one.derivative === order && one.variant === "integer" && one.relativeTo !== "nothing");
  const stencils = WANTED.filter((name) => mine.some((one) => one.stencil === name));
  const series = mine.filter((one) => stencils.includes(one.stencil));
  if (!stencils.length || !series.some((one) => one.rows.some((row) => row.relative > 0))) return false;
  const formats = run.formats.filter((name) => series.some((one) => one.format === name));
  const rows = series.flatMap((one) => one.rows);
  place.parentElement.classList.add("drawn");
  new Figure(place, { describe: (row) => describe(run, row) }).show({
    title: `Every format has its own best step: ${derivativeSymbol(order)} of ${problem} at x = ${point}`,
    height: 470,
    panels: stencils.map((stencil) => panelFor(run, stencil, series.filter((one) => one.stencil === stencil), formats)),
    x: { label: "step h", log: true, domain: stepLimits(rows.map((row) => row.h)) },
    y: { label: `relative error of ${derivativeSymbol(order)}`, log: true, domain: errorLimits(rows.map((row) => row.relative), formats.map((name) => run.roundoff[name])) },
    legend: [
      ...formats.map((name) => ({ key: name, label: name, line: true, ...lookOfFormat(name) })),
      { key: "optimum", label: "robust best step", colour: "grey", marker: "star" },
      { key: "slopes", label: "slopes", colour: "ink", marker: "up", hollow: true },
    ],
  });
  return true;
}

function panelFor(run, stencil, series, formats) {
  const panel = { title: stencil, lines: [], clouds: [], stars: [], levels: [], triangles: [] };
  formats.forEach((name, level) => {
    const one = series.find((each) => each.format === name);
    if (!one) return;
    const look = lookOfFormat(name);
    const rows = one.rows.filter((row) => row.h > 0 && Number.isFinite(row.error)).reverse();
    const line = rows.filter((row) => row.status !== "step_vanished");
    const h = line.map((row) => row.h);
    const y = runningMedian(h, line.map((row) => row.relative)).map((v) => (v > 0 ? v : NaN));
    panel.lines.push({ key: name, x: h, y, ...look, level });
    panel.clouds.push({ key: name, ...look, points: line.map((row) => ({ x: row.h, y: row.relative, row })) });
    panel.levels.push({ key: name, y: run.roundoff[name], label: `u of ${name}`, colour: look.colour, below: true });
    if (one.hBest > 0) {
      const row = { series: one, best: true, h: one.hBest, relative: one.errorBest / one.unit, error: one.errorBest };
      panel.stars.push({ key: "optimum", x: one.hBest, y: row.relative, colour: look.colour, row });
    }
  });
  const widest = series.find((one) => one.format === formats[formats.length - 1]);
  const [best, high] = [Math.log10(widest?.hBest), Math.log10(Math.max(...(widest?.rows ?? []).map((row) => row.h ?? 0)))];
  if (widest) {
    const low = Math.log10(Math.min(...widest.rows.filter((row) => row.status === "ok").map((row) => row.h)));
    const rising = slopeTriangle(widest.a / widest.unit, widest.power, best, high);
    const falling = slopeTriangle(widest.b / widest.unit, -widest.derivative, low, best);
    panel.triangles.push(...[rising, falling].filter(Boolean).map((triangle) => ({ key: "slopes", ...triangle })));
  }
  return panel;
}
