// Okabe-Ito colours with a dash and a marker for every series, the same as in the static figures; lighter on dark.

const COLOURS = {
  light: {
    paper: "#ffffff", ink: "#1d1d1f", grey: "#6f7479", line: "#e3e5e8", band: "#eef0f2",
    black: "#000000", orange: "#e69f00", sky: "#56b4e9", green: "#009e73", blue: "#0072b2",
    vermillion: "#d55e00", purple: "#cc79a7",
  },
  dark: {
    paper: "#16181b", ink: "#e8e9ea", grey: "#a4a9af", line: "#2c3035", band: "#202327",
    black: "#f2f2f2", orange: "#f0b53a", sky: "#8ecbf2", green: "#2fc79c", blue: "#4aa8e8",
    vermillion: "#ff8540", purple: "#e3a3c6",
  },
};
const DASHES = {
  solid: "", dashed: "7 3", dotted: "2 2.5", dashDot: "9 3 2 3", long: "13 4", dashDotDot: "7 3 2 3 2 3",
};
const FORMATS = {
  float16: ["vermillion", "solid", "circle"], bfloat16: ["purple", "dashDot", "down"],
  float32: ["green", "dashed", "square"], float64: ["blue", "dashDotDot", "up"],
  longdouble: ["black", "dotted", "diamond"],
};
const STENCILS = {
  "forward-1": ["vermillion", "solid", "circle"], "backward-1": ["black", "dotted", "left"],
  "forward-2": ["sky", "long", "up"], "central-2": ["blue", "dashed", "square"],
  "central-4": ["green", "dashDot", "diamond"], "central-6": ["purple", "dashDotDot", "down"],
  "central-8": ["orange", "long", "plus"],
};
const PARTS = {
  truncation: ["blue", "solid", "circle"], abscissa: ["orange", "dashed", "up"],
  evaluation: ["vermillion", "dashDot", "square"], weights: ["purple", "long", "down"],
  combination: ["green", "dashDotDot", "diamond"],
};
const SPARE = [
  ["sky", "dashDot", "cross"], ["orange", "solid", "star"], ["purple", "dashed", "right"],
  ["green", "long", "left"], ["black", "dashDotDot", "star"], ["vermillion", "dotted", "diamond"],
];

export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

export function palette(dark = isDark()) {
  return dark ? COLOURS.dark : COLOURS.light;
}

function look([colour, dash, marker]) {
  return { colour, dash: DASHES[dash], marker };
}

export function lookOfFormat(name) {
  return look(FORMATS[name] ?? SPARE[0]);
}

export function lookOfPart(name) {
  return look(PARTS[name] ?? SPARE[0]);
}

/** The look of a stencil; `all` are the names of the run, so that strangers share no spare look while there is one. */
export function lookOfStencil(name, all) {
  if (name in STENCILS) return look(STENCILS[name]);
  const strangers = all.filter((other) => !(other in STENCILS));
  return look(SPARE[Math.max(strangers.indexOf(name), 0) % SPARE.length]);
}
