// Draws a figure: panels with axes, lines, marks. Everything is a presentation attribute, so a copy is a file.
//
// A figure is { title, panels, x: {label, log, domain}, y: {...}, legend, hidden }; a panel may have a y of its own and has
// lines, clouds (marks with rows behind them), stars, levels, triangles and a band. Domains of log axes are exponents.

import { svg } from "./dom.js";
import { isOpen, marker, px } from "./marks.js";
import { scale, ticks } from "./scales.js";

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";
const SIZE = 12;
const MARGIN = { left: 62, right: 12, top: 26, bottom: 46 };
const STACKED = 640; // narrower figures have their panels below each other
let figures = 0; // clip paths need names of their own

/** How tall a figure of this width is. */
export function heightFor(spec, width) {
  const wanted = spec.height ?? 460;
  return isStacked(spec, width) ? Math.round(spec.panels.length * Math.min(wanted, 0.95 * width + 40)) : wanted;
}

function isStacked(spec, width) {
  return spec.panels.length > 1 && width < STACKED;
}

/** Draw into an SVG element; gives the panels with their scales and the marks that can be pointed at. */
export function draw(root, spec, width, colours, legend = 0) {
  figures += 1;
  const height = heightFor(spec, width) + legend;
  const stacked = isStacked(spec, width);
  root.replaceChildren();
  setAll(root, {
    viewBox: `0 0 ${width} ${height}`, width, height, "font-family": FONT, "font-size": SIZE, fill: colours.ink,
  });
  root.append(svg("rect", { width, height, fill: colours.paper }));
  const n = spec.panels.length;
  const sameY = spec.panels.every((panel) => !panel.y);
  return spec.panels.map((panel, i) => {
    const box = stacked
      ? frame(0, width, legend + (i * (height - legend)) / n, (height - legend) / n, MARGIN.left)
      : frame(...columns(width, n, i, sameY), legend, height - legend, i && sameY ? 18 : MARGIN.left);
    const labels = { y: stacked || i === 0 || !sameY, title: panel.title };
    return drawPanel(root, panel, spec, box, colours, labels, `clip-${figures}-${i}`);
  });
}

function columns(width, n, i, sameY) {
  if (n === 1) return [0, width];
  const first = sameY ? MARGIN.left - 18 : 0; // the labels of the first serve all
  const each = (width - first) / n;
  return i === 0 ? [0, each + first] : [first + i * each, each];
}

function frame(x, width, y, height, left) {
  return {
    left: x + left, right: x + width - MARGIN.right, top: y + MARGIN.top, bottom: y + height - MARGIN.bottom,
  };
}

function drawPanel(root, panel, spec, box, colours, labels, clip) {
  const x = scale(spec.x, [box.left, box.right]);
  const y = scale(panel.y ?? spec.y, [box.bottom, box.top]);
  const visible = (item) => !spec.hidden?.has(item.key);
  root.append(
    svg("clipPath", { id: clip },
      svg("rect", { x: box.left, y: box.top - 4, width: box.right - box.left, height: box.bottom - box.top + 8 })),
  );
  drawAxes(root, { x, y, box, colours, labels, spec, panel });
  const inside = svg("g", { "clip-path": `url(#${clip})` });
  root.append(inside);
  const base = { inside, x, y, box, colours };
  for (const level of (panel.levels ?? []).filter(visible)) drawLevel(base, level);
  for (const triangle of (panel.triangles ?? []).filter(visible)) drawTriangle(base, triangle);
  for (const line of (panel.lines ?? []).filter(visible)) drawLine(base, line);
  const points = (panel.clouds ?? []).filter(visible).flatMap((cloud) => drawCloud(base, cloud));
  for (const star of (panel.stars ?? []).filter(visible)) points.push(...drawStar(base, star));
  return { box, x, y, points };
}

function drawAxes(root, { x, y, box, colours, labels, spec, panel }) {
  const lines = { stroke: colours.ink, "stroke-width": 1, fill: "none" };
  if (panel.band) {
    const top = Math.min(Math.max(y.at(panel.band), box.top), box.bottom);
    root.append(svg("rect", { x: box.left, y: top, width: box.right - box.left, height: box.bottom - top, fill: colours.band }));
  }
  const across = ticks(x, Math.max(3, Math.floor((box.right - box.left) / 62)));
  const up = ticks(y, Math.max(3, Math.floor((box.bottom - box.top) / 34)), (panel.y ?? spec.y).percent);
  for (const [place] of up.major) {
    root.append(svg("path", { d: `M${box.left} ${px(y.atInner(place))}H${box.right}`, stroke: colours.line }));
  }
  for (const [place] of across.major) {
    root.append(svg("path", { d: `M${px(x.atInner(place))} ${box.top}V${box.bottom}`, stroke: colours.line }));
  }
  root.append(svg("path", { d: `M${box.left} ${box.top}V${box.bottom}H${box.right}`, ...lines }));
  const small = [
    ...across.minor.map((p) => `M${px(x.atInner(p))} ${box.bottom}v3`), ...up.minor.map((p) => `M${box.left} ${px(y.atInner(p))}h-3`),
    ...across.major.map(([p]) => `M${px(x.atInner(p))} ${box.bottom}v6`),
    ...up.major.map(([p]) => `M${box.left} ${px(y.atInner(p))}h-6`),
  ];
  root.append(svg("path", { d: small.join(""), ...lines }));
  for (const [place, label] of across.major) {
    text(root, label, x.atInner(place), box.bottom + 20, { "text-anchor": "middle", class: "tick-x" });
  }
  text(root, spec.x.label, (box.left + box.right) / 2, box.bottom + 38, { "text-anchor": "middle" });
  if (labels.y) {
    for (const [place, label] of up.major) {
      text(root, label, box.left - 9, y.atInner(place) + 4, { "text-anchor": "end", class: "tick-y" });
    }
    const middle = (box.top + box.bottom) / 2;
    const turned = `rotate(-90 ${box.left - 50} ${middle})`;
    text(root, (panel.y ?? spec.y).label, box.left - 50, middle + 4, { "text-anchor": "middle", transform: turned });
  }
  if (labels.title) text(root, labels.title, box.left, box.top - 10, { "font-weight": 600 });
}

function drawLevel({ inside, y, box, colours }, level) {
  const at = px(y.at(level.y));
  const colour = colours[level.colour] ?? colours.grey;
  inside.append(svg("path", { d: `M${box.left} ${at}H${box.right}`, stroke: colour, "stroke-dasharray": level.dash ?? "" }));
  if (level.label) {
    text(inside, level.label, level.right ? box.right - 4 : box.left + 5, at + (level.below ? 13 : -4), {
      fill: colours.ink, "font-size": 11, "text-anchor": level.right ? "end" : "start",
    });
  }
}

function drawTriangle({ inside, x, y, colours }, { corners, label }) {
  const at = corners.map(([u, v]) => [px(x.atInner(u)), px(y.atInner(v))]);
  inside.append(svg("path", { d: `M${at.map((p) => p.join(" ")).join("L")}z`, stroke: colours.ink, fill: "none", class: "slope" }));
  text(inside, label, at[1][0] + 4, (at[1][1] + at[2][1]) / 2 + 4, { "font-size": 11 });
}

function drawLine({ inside, x, y, colours }, line) {
  const at = [];
  let path = "";
  let broken = true;
  for (let i = 0; i < line.x.length; i += 1) {
    const [u, v] = [x.at(line.x[i]), y.at(line.y[i])];
    if (!Number.isFinite(u) || !Number.isFinite(v)) {
      broken = true;
      continue;
    }
    path += `${broken ? "M" : "L"}${px(u)} ${px(v)}`;
    broken = false;
    at.push([u, v]);
  }
  const colour = colours[line.colour];
  inside.append(svg("path", {
    d: path, fill: "none", stroke: colour, "stroke-width": line.width ?? 2, "stroke-dasharray": line.dash,
    "stroke-linejoin": "round", "stroke-opacity": line.opacity, "data-line": line.key,
  }));
  if (!line.marker) return;
  let last = -Infinity;
  const some = at.filter(([u, v], i) => {
    const away = i ? Math.hypot(u - at[i - 1][0], v - at[i - 1][1]) : 0;
    last = i === 0 ? 70 - 18 * (line.level ?? 0) : last + away;
    if (last < 70) return false;
    last = 0;
    return true;
  });
  const data = some.map(([u, v]) => marker(line.marker, u, v, 4)).join("");
  inside.append(svg("path", { d: data, fill: colour, stroke: colours.paper, "stroke-width": 0.8 }));
}

function drawCloud({ inside, x, y, box, colours }, cloud) {
  const colour = colours[cloud.colour];
  const size = cloud.size ?? 2.4;
  const points = [];
  for (const point of cloud.points) {
    let [u, v] = [cloud.edge ? box.right - 6 : x.at(point.x), cloud.floor ? box.bottom - 4 : y.at(point.y)];
    if (!Number.isFinite(u) || !Number.isFinite(v) || u < box.left - 1 || u > box.right + 1) continue;
    if (v < box.top - 3 || v > box.bottom + 3) continue;
    points.push({ at: [u, v], row: point.row, key: cloud.key });
  }
  const data = points.map(({ at }) => marker(cloud.marker, at[0], at[1], size)).join("");
  const ink = isOpen(cloud.marker) || cloud.hollow ? { fill: cloud.hollow ? colours.paper : "none", stroke: colour, "stroke-width": 1.3 } : { fill: colour };
  inside.append(svg("path", { d: data, ...ink, opacity: cloud.opacity ?? 0.5, "data-cloud": cloud.key }));
  return points;
}

function drawStar({ inside, x, y, box, colours }, star) {
  const [u, v] = [x.at(star.x), y.at(star.y)];
  if (!(u >= box.left && u <= box.right && v >= box.top - 4 && v <= box.bottom + 4)) return [];
  inside.append(svg("path", {
    d: marker("star", u, v, 9), fill: colours[star.colour], stroke: colours.paper, "stroke-width": 1, "data-star": star.key,
  }));
  return [{ at: [u, v], row: star.row, key: star.key }];
}

function text(parent, content, x, y, attributes) {
  parent.append(svg("text", { x: px(x), y: px(y), ...attributes }, content));
}

function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
}

/** The swatch of a legend entry. */
export function swatch(entry, colours) {
  const root = svg("svg", { width: 34, height: 14, viewBox: "0 0 34 14", "aria-hidden": "true" });
  return drawSwatch(root, entry, colours, 0, 7);
}

/** Line and marker of an entry, into any SVG element. */
export function drawSwatch(parent, entry, colours, x, y) {
  const colour = colours[entry.colour];
  if (entry.line) {
    parent.append(svg("path", {
      d: `M${x} ${y}h34`, stroke: colour, "stroke-width": entry.width ?? 2, "stroke-dasharray": entry.dash, fill: "none",
    }));
  }
  if (entry.marker) {
    const open = isOpen(entry.marker) || entry.hollow;
    parent.append(svg("path", {
      d: marker(entry.marker, x + 17, y, entry.marker === "star" ? 7 : 4), fill: open ? "none" : colour, stroke: open ? colour : "none", "stroke-width": 1.3,
    }));
  }
  return parent;
}
