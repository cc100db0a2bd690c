// What is drawn of a series: the line through noisy errors, the limits of the axes, slopes.

const HALF_WINDOW = 0.25; // decades, as in the static figures; at least two steps on each side
const SPAN = 26; // decades: one wild row cannot flatten the rest

/** Running median of `values` over as many neighbours of each step as lie within the window; fewer at the ends. */
export function runningMedian(h, values) {
  const n = h.length;
  const decades = n > 1 ? Math.log10(h[n - 1] / h[0]) : 1;
  const half = Math.max(2, Math.round((HALF_WINDOW * (n - 1)) / decades));
  return values.map((_, i) => {
    const reach = Math.min(half, i, n - 1 - i);
    return values.slice(i - reach, i + reach + 1).sort((p, q) => p - q)[reach];
  });
}

export function quantile(sorted, share) {
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  return sorted[low] + (place - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}

/** Exponents of the error axis: all unit roundoffs and the measured errors, but no wild rows. */
export function errorLimits(errors, roundoffs) {
  const known = roundoffs.filter((u) => u > 0).map((u) => Math.floor(Math.log10(u)));
  const logs = errors.filter((e) => e > 0 && Number.isFinite(e)).map(Math.log10).sort((a, b) => a - b);
  const [low, high] = logs.length ? [quantile(logs, 0.02), quantile(logs, 0.985)] : [-3, 0];
  const top = Math.ceil(high + 0.15);
  let bottom = Math.floor(low - 0.2);
  if (known.length) {
    const least = Math.min(...known);
    if (top > least) bottom = Math.max(Math.min(bottom, least - 1), least - 3);
  }
  bottom = Math.min(Math.max(bottom, top - SPAN, -300), 300);
  return [bottom, Math.min(Math.max(top, bottom + 3), 307)];
}

/** Exponents of the step axis, with a little room. */
export function stepLimits(steps) {
  const logs = steps.filter((h) => h > 0).map(Math.log10);
  if (!logs.length) return [-4, 0];
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  const room = 0.03 * Math.max(high - low, 1);
  return [low - room, high + room];
}

/** A triangle under the branch `a h^slope` (or above a rising one), between two exponents of h; null where none fits. */
export function slopeTriangle(a, slope, low, high) {
  if (!(a > 0) || !Number.isFinite(slope) || !(high - low >= 0.6)) return null;
  const centre = (low + high) / 2;
  const half = Math.min(0.5, (high - low) / 4);
  const away = slope > 0 ? -0.6 : 0.6; // decades from the branch
  const at = (x) => Math.log10(a) + slope * x + away;
  const [left, right] = [centre - half, centre + half];
  const corner = slope > 0 ? [right, at(left)] : [right, at(left)];
  return { corners: [[left, at(left)], corner, [right, at(right)]], label: String(slope).replace("-", "−") };
}
