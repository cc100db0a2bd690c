// Which step to take: the best constant for a format and a scheme, out of the run, and how the rules compare.

import { byId, fill, html } from "./dom.js";
import { Figure } from "./figure.js";
import { derivativeSymbol, number, percent } from "./words.js";

export class Chooser {
  constructor(run, steps) {
    this.run = run;
    this.steps = steps;
    this.figure = new Figure(byId("chooser-plot"), { describe: (row) => this.describe(row) });
    for (const id of ["chooser-format", "chooser-stencil", "chooser-derivative", "chooser-group"]) {
      byId(id).addEventListener("change", () => this.update());
    }
    this.update({ format: "float64", stencil: "central-2", derivative: "1" });
  }

  update(first = {}) {
    const { profiles, all } = this.steps;
    const order = fill(byId("chooser-derivative"), distinct(profiles, "derivative").map((value) => ({ value, label: derivativeSymbol(value) })), first.derivative);
    const mine = profiles.filter((one) => String(one.derivative) === order);
    const format = fill(byId("chooser-format"), this.run.formats.filter((name) => mine.some((one) => one.format === name)).map((value) => ({ value })), first.format);
    const stencils = this.run.stencils.filter((name) => mine.some((one) => one.format === format && one.stencil === name));
    const stencil = fill(byId("chooser-stencil"), stencils.map((value) => ({ value })), first.stencil);
    const here = mine.filter((one) => one.format === format && one.stencil === stencil);
    const group = fill(byId("chooser-group"), here.map((one) => ({ value: one.group })), first.group ?? (byId("chooser-group").value || all));
    const profile = here.find((one) => one.group === group);
    if (profile) this.show(profile);
  }

  step(profile, place) {
    return 10 ** ((profile.low + place) / this.steps.bins);
  }

  show(profile) {
    const { best, points } = profile;
    const c = this.step(profile, best);
    byId("chooser-advice").replaceChildren(
      html("p", { class: "answer" }, html("strong", {}, `h = ${number(c, 2)} · max(1, |x|)`)),
      html("p", {}, `${profile.digits[best].toFixed(1)} digits (median); within ${this.steps.good} times of the best for ${percent(profile.share[best])} of ${points} problem points (${profile.group}).`),
      html("pre", { tabindex: "0", role: "region", "aria-label": "The rule as code" }, `h = ${code(c)} * max(1.0, abs(x))`),
      html("p", { class: "note" }, "max(1, |x|) stands for the scale of the problem: if your function changes over another length, take that instead."),
    );
    this.draw(profile, c);
    this.showRules(profile);
  }

  draw(profile, c) {
    const rows = profile.share.map((share, i) => ({ profile, h: this.step(profile, i), share, digits: profile.digits[i] }));
    const title = `How often a step is good: ${profile.stencil} in ${profile.format}`;
    const [low, high] = [Math.log10(rows[0].h), Math.log10(rows[rows.length - 1].h)];
    const look = { colour: "blue", dash: "", marker: null };
    const panel = {
      lines: [{ key: "share", x: rows.map((row) => row.h), y: rows.map((row) => row.share), ...look }],
      clouds: [{ key: "share", colour: "blue", marker: "circle", opacity: 1, size: 3, points: rows.map((row) => ({ x: row.h, y: row.share, row })) }],
      stars: [{ key: "best", x: c, y: profile.share[profile.best], colour: "vermillion", row: rows[profile.best] }],
    };
    this.figure.show({
      title,
      height: 260,
      panels: [panel],
      x: { label: "step / scale of the problem", log: true, domain: [low - 0.2, high + 0.2] },
      y: { label: "share of problem points", log: false, percent: true, domain: [0, 1] },
      legend: [
        { key: "share", label: `within ${this.steps.good} times of the best`, line: true, marker: "circle", colour: "blue" },
        { key: "best", label: "recommended", marker: "star", colour: "vermillion" },
      ],
    });
    byId("chooser-caption").textContent = `${title}: the share of ${profile.points} problem points (${profile.group}) at which the error is within ${this.steps.good} times of this scheme's own best.`;
  }

  describe({ h, share, digits, profile }) {
    return [`step / scale = ${number(h, 2)}`, `good for ${percent(share)} of ${profile.points}`, `${digits.toFixed(1)} digits (median)`];
  }

  /** The usual rule of thumb and the rules of the tournament beside the constant. */
  showRules(profile) {
    const { derivative, stencil, format } = profile;
    const accuracy = Number(/-(\d+)$/.exec(stencil)?.[1] ?? NaN);
    const rows = [{ rule: `best constant, ${number(this.step(profile, profile.best), 2)}`, share: profile.share[profile.best], digits: profile.digits[profile.best] }];
    const eps = 2 * this.run.roundoff[format];
    const thumb = Math.round(this.steps.bins * Math.log10(eps ** (1 / (derivative + accuracy)))) - profile.low;
    if (profile.share[thumb] !== undefined) {
      rows.push({ rule: `eps^(1/${derivative + accuracy}) times the scale, about ${number(this.step(profile, thumb), 2)}`, share: profile.share[thumb], digits: profile.digits[thumb] });
    }
    if (profile.group === this.steps.all) {
      const mine = this.steps.rules.filter((one) => one.derivative === derivative && one.stencil === stencil && one.format === format);
      rows.push(...mine.map((one) => ({ ...one, rule: `${stencil}@${one.rule}` })));
    }
    rows.sort((a, b) => b.share - a.share);
    const line = (row) => html("tr", {},
      html("th", { scope: "row" }, row.rule), html("td", { class: "number" }, percent(row.share)),
      html("td", { class: "number" }, row.digits.toFixed(1)), html("td", { class: "number" }, row.evaluations === undefined ? "–" : number(row.evaluations)));
    const heads = ["rule", "good", "digits", "evaluations"].map((name, i) => html("th", { scope: "col", class: i ? "number" : null }, name));
    byId("chooser-rules").replaceChildren(
      html("h3", {}, "Rules compared"),
      html("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Rules compared" },
        html("table", {}, html("thead", {}, html("tr", {}, ...heads)), html("tbody", {}, ...rows.map(line)))),
    );
  }
}

function distinct(rows, name) {
  return [...new Set(rows.map((row) => row[name]))].sort((a, b) => a - b);
}

/** A number as Python reads it: 1e-5, 0.0018. */
function code(value) {
  const short = Number(value.toPrecision(2));
  return short < 1e-3 ? short.toExponential().replace(".0e", "e") : String(short);
}
