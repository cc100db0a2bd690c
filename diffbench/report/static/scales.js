// Where a number stands on an axis, and which ticks the axis has.

import { number, powerOfTen } from "./words.js";

/** An axis; a logarithmic one has exponents of ten as its domain. */
export function scale({ log, domain }, range) {
  const factor = (range[1] - range[0]) / (domain[1] - domain[0]);
  const inner = (value) => (log ? Math.log10(value) : value);
  return {
    log,
    domain,
    range,
    at: (value) => range[0] + (inner(value) - domain[0]) * factor,
    atInner: (value) => range[0] + (value - domain[0]) * factor,
    inner: (pixel) => domain[0] + (pixel - range[0]) / factor,
  };
}

/** Ticks with labels and small ones without: `{ major: [[inner value, label]], minor: [inner value] }`. */
export function ticks(axis, most, percent = false) {
  return axis.log ? decades(axis.domain, most) : linear(axis.domain, most, percent);
}

function decades([low, high], most) {
  const step = Math.max(1, Math.ceil((high - low) / most));
  const major = [];
  const minor = [];
  for (let e = Math.ceil(low - 1e-9); e <= high + 1e-9; e += 1) {
    if (e % step === 0) major.push([e, powerOfTen(e)]);
    else minor.push(e);
  }
  if (major.length < 2) { // zoomed in: 2 and 5 between the powers
    for (let e = Math.floor(low); e <= high; e += 1) {
      for (const m of [1, 2, 5]) {
        const place = e + Math.log10(m);
        if (place >= low && place <= high && (m > 1 || major.length === 0)) major.push([place, number(m * 10 ** e)]);
      }
    }
    major.sort((a, b) => a[0] - b[0]);
  }
  return { major, minor };
}

function linear([low, high], most, percent) {
  const rough = (high - low) / Math.max(most, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((m) => m * power >= rough) * power;
  const major = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k += 1) {
    major.push([k * step, percent ? `${Math.round(100 * k * step)} %` : number(k * step)]);
  }
  return { major, minor: [] };
}
