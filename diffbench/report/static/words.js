// Numbers as people write them, as files hold them, and back.

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const LOWERED = Object.fromEntries(Object.entries(RAISED).map(([plain, raised]) => [raised, plain]));
const NONE = "–";

export function raised(exponent) {
  return String(exponent).replace(/[-0-9]/g, (digit) => RAISED[digit]);
}

/** 10⁻⁸ for -8, and 1 for 0, as on the axes of the static figures. */
export function powerOfTen(exponent) {
  if (exponent === 0) return "1";
  return exponent === 1 ? "10" : `10${raised(exponent)}`;
}

/** Four digits, in powers of ten where that is shorter. */
export function number(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return NONE;
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const [mantissa, exponent] = Math.abs(value).toExponential(digits - 1).split("e");
  const sign = value < 0 ? "−" : "";
  const power = Number(exponent);
  if (power >= -3 && power < 5) return sign + String(Number(`${mantissa}e${exponent}`));
  const short = String(Number(mantissa));
  return sign + (short === "1" ? powerOfTen(power) : `${short}×${powerOfTen(power)}`);
}

/** A number for a file or a command: 1.234e-5, empty where there is none. */
export function plain(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  if (typeof value !== "number") return String(value);
  return String(value).replace("Infinity", "inf");
}

export function percent(share) {
  if (share > 0 && share < 0.01) return "under 1 %";
  if (share < 1 && share > 0.99) return "over 99 %";
  const value = 100 * share;
  const nearest = Math.round(value);
  return `${value % 1 === 0.5 && nearest % 2 ? nearest - 1 : nearest} %`; // half to even, as Python rounds
}

const UNITS = { s: 1, ms: 1e-3, "µs": 1e-6, ns: 1e-9 };

/** The number that a cell shows, or NaN: reads 1.2×10⁻⁵, 10⁻⁸, −3.5, 80 %, 12 of 30, 4.2 ms, 1 200. */
export function parsed(text) {
  const cell = text.trim().replace(/−/g, "-").replace(/[\u202f\u00a0]/g, " ");
  if (cell === "∞") return Infinity;
  if (cell === "-∞") return -Infinity;
  if (cell.startsWith("under 1")) return 0.5;
  if (cell.startsWith("over 99")) return 99.5;
  const power = cell.match(/^([+-]?)(?:(\d+(?:\.\d+)?)×)?10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)$/);
  if (power) {
    const exponent = [...power[3]].map((digit) => LOWERED[digit]).join("");
    return Number(`${power[1]}${power[2] ?? 1}e${exponent}`);
  }
  const usual = cell.match(/^([+-]?\d+(?: \d{3})*(?:\.\d+)?(?:e[+-]?\d+)?)(?: (%|of \d+|s|ms|µs|ns))?$/);
  if (!usual) return NaN;
  const value = Number(usual[1].replace(/ /g, ""));
  return usual[2] in UNITS ? value * UNITS[usual[2]] : value;
}

/** f′(x), f″(x), f⁽⁴⁾(x). */
export function derivativeSymbol(order) {
  const mark = order >= 1 && order <= 3 ? "′″‴"[order - 1] : order === 0 ? "" : `⁽${raised(order)}⁾`;
  return `f${mark}(x)`;
}

export function count(n, noun, plural = `${noun}s`) {
  return `${String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f")} ${n === 1 ? noun : plural}`;
}

/** A word that a POSIX shell reads as it stands. */
export function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${String(word).replace(/'/g, "'\\''")}'`;
}
