// Pointing at rows, choosing a region to zoom into, and the same with the keyboard.

import { svg } from "./dom.js";
import { palette } from "./looks.js";

const NEAR = 40; // pixels
const DRAG = 6;

export function attachPointer(figure) {
  const { surface, canvas } = figure;
  let from = null;
  let box = null;

  const place = (event) => {
    const bounds = canvas.getBoundingClientRect();
    return [event.clientX - bounds.left, event.clientY - bounds.top];
  };
  const drop = () => {
    box?.remove();
    [from, box] = [null, null];
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button === 0 && event.pointerType !== "touch") from = place(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    const at = place(event);
    if (from && Math.hypot(at[0] - from[0], at[1] - from[1]) > DRAG) {
      box ??= canvas.appendChild(svg("rect", { class: "choice", fill: palette().grey, "fill-opacity": 0.2, stroke: palette().ink }));
      outline(box, from, at);
      figure.hideTip();
      return;
    }
    const point = nearest(figure, at);
    if (point) figure.showTip(point);
    else figure.hideTip();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (from && box) zoomInto(figure, from, place(event));
    else if (event.pointerType === "touch") {
      const point = nearest(figure, place(event));
      if (point) figure.showTip(point);
    }
    drop();
  });
  surface.addEventListener("pointerleave", () => {
    drop();
    figure.hideTip();
  });
  canvas.addEventListener("dblclick", () => figure.setZoom(null));
  surface.addEventListener("keydown", (event) => onKey(figure, event));
  surface.addEventListener("blur", () => figure.hideTip());
}

function outline(box, [x0, y0], [x1, y1]) {
  box.setAttribute("x", Math.min(x0, x1));
  box.setAttribute("y", Math.min(y0, y1));
  box.setAttribute("width", Math.abs(x1 - x0));
  box.setAttribute("height", Math.abs(y1 - y0));
}

function nearest(figure, [x, y]) {
  let found = null;
  let least = NEAR;
  for (const { points } of figure.panels ?? []) {
    for (const point of points) {
      const away = Math.hypot(point.at[0] - x, point.at[1] - y);
      if (away < least) [found, least] = [point, away];
    }
  }
  return found;
}

function zoomInto(figure, from, to) {
  const panel = figure.panels.find(({ box }) => from[0] >= box.left - 8 && from[0] <= box.right + 8 && from[1] >= box.top - 8 && from[1] <= box.bottom + 8);
  if (!panel || Math.abs(to[0] - from[0]) < DRAG || Math.abs(to[1] - from[1]) < DRAG) return;
  const between = (axis, a, b) => [axis.inner(a), axis.inner(b)].sort((p, q) => p - q);
  figure.setZoom({ x: between(panel.x, from[0], to[0]), y: between(panel.y, from[1], to[1]) });
}

// The keyboard walks along one series by its steps, and from series to series.

function onKey(figure, event) {
  const actions = {
    ArrowRight: () => walk(figure, 1, 0), ArrowLeft: () => walk(figure, -1, 0),
    ArrowDown: () => walk(figure, 0, 1), ArrowUp: () => walk(figure, 0, -1),
    "+": () => figure.zoomBy(0.5), "=": () => figure.zoomBy(0.5), "-": () => figure.zoomBy(2),
    0: () => figure.setZoom(null), Escape: () => figure.hideTip(),
  };
  if (!actions[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  actions[event.key]();
}

function walk(figure, along, across) {
  const series = new Map();
  (figure.panels ?? []).forEach(({ points }, i) => {
    for (const point of points) {
      const name = `${i} ${point.key}`;
      if (!series.has(name)) series.set(name, []);
      series.get(name).push(point);
    }
  });
  const all = [...series.values()].map((points) => points.sort((a, b) => a.at[0] - b.at[0]));
  if (!all.length) return;
  const walker = (figure.walker ??= { series: 0, place: -1 });
  walker.series = (walker.series + across + all.length) % all.length;
  const points = all[walker.series] ?? all[0];
  walker.place = Math.min(Math.max(walker.place + along, 0), points.length - 1);
  figure.showTip(points[walker.place]);
  figure.announce(figure.describe(points[walker.place].row).join(", "));
}
