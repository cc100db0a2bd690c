// What the explorer shows, as the part of an address after #, so that a link restores it.

const LISTS = ["stencils", "show", "hidden"];
const TEXTS = ["problem", "point", "derivative", "format", "variant", "compare", "format2", "problem2", "point2"];
const ZOOM = "zoom";

/** The state in an address, or null where it holds an ordinary anchor. */
export function readState(hash) {
  if (!hash.includes("=")) return null;
  const found = new URLSearchParams(hash.replace(/^#/, ""));
  const state = {};
  for (const name of TEXTS) if (found.has(name)) state[name] = found.get(name);
  for (const name of LISTS) if (found.has(name)) state[name] = found.get(name).split(",").filter(Boolean);
  const zoom = (found.get(ZOOM) ?? "").split(",").map(Number);
  if (zoom.length === 4 && zoom.every(Number.isFinite)) state.zoom = { x: zoom.slice(0, 2), y: zoom.slice(2) };
  return Object.keys(state).length ? state : null;
}

/** The address of a state. */
export function writeState(state) {
  const written = new URLSearchParams();
  for (const name of TEXTS) if (state[name]) written.set(name, state[name]);
  for (const name of LISTS) if (state[name]?.length || name === "show") written.set(name, (state[name] ?? []).join(","));
  if (state.zoom) written.set(ZOOM, [...state.zoom.x, ...state.zoom.y].map((v) => Number(v.toFixed(6))).join(","));
  return `#${written.toString().replace(/%2C/g, ",")}`;
}
