// A figure on the page: legend with toggles, drawing, tooltip, zoom and keyboard; drawn again when the width,
// the theme or its content changes.

import { button, html, svg } from "./dom.js";
import { palette } from "./looks.js";
import { draw, heightFor, swatch } from "./plot.js";
import { attachPointer } from "./pointer.js";

const drawn = new Set();

export class Figure {
  /** `describe(row)` gives the lines of the tooltip; `onView` is told when zoom or toggles change. */
  constructor(container, { describe = () => [], announce = () => {}, onView = () => {} } = {}) {
    this.container = container;
    this.describe = describe;
    this.announce = announce;
    this.onView = onView;
    this.hidden = new Set();
    this.zoom = null; // { x: [low, high], y: [low, high] } in the units of the axes
    this.legend = html("ul", { class: "legend" });
    this.surface = html("div", { class: "surface", tabindex: "0", role: "group" });
    this.canvas = svg("svg", { role: "img" });
    this.tip = html("div", { class: "tip", hidden: true });
    this.surface.append(this.canvas, this.tip);
    container.append(this.legend, this.surface);
    attachPointer(this);
    new ResizeObserver(() => this.redraw()).observe(this.surface);
    drawn.add(this);
  }

  show(spec) {
    this.spec = spec;
    this.surface.setAttribute("aria-label", `${spec.title}. Arrow keys move along the points, + and − zoom, 0 resets.`);
    this.canvas.setAttribute("aria-label", spec.description ?? spec.title);
    this.drawLegend();
    this.redraw(true);
  }

  /** The figure as it is drawn now: zoomed, without what is toggled off. */
  get current() {
    const zoomed = this.zoom
      ? { x: { ...this.spec.x, domain: this.zoom.x }, y: { ...this.spec.y, domain: this.zoom.y } }
      : {};
    return { ...this.spec, ...zoomed, hidden: this.hidden };
  }

  redraw(always = false) {
    if (!this.spec) return;
    const width = Math.floor(this.surface.clientWidth);
    if (!width || (!always && width === this.width)) return;
    this.width = width;
    this.hideTip();
    this.panels = draw(this.canvas, this.current, width, palette());
    this.height = heightFor(this.current, width);
  }

  drawLegend() {
    const colours = palette();
    this.legend.replaceChildren(...this.spec.legend.map((entry) => {
      const item = button("", () => this.toggle(entry.key), { "aria-pressed": String(!this.hidden.has(entry.key)) });
      item.append(swatch(entry, colours), html("span", {}, entry.label));
      item.dataset.key = entry.key;
      return html("li", {}, item);
    }));
  }

  toggle(key) {
    if (!this.hidden.delete(key)) this.hidden.add(key);
    for (const item of this.legend.querySelectorAll("button")) {
      item.setAttribute("aria-pressed", String(!this.hidden.has(item.dataset.key)));
    }
    this.redraw(true);
    this.onView();
  }

  setZoom(zoom) {
    this.zoom = zoom;
    this.redraw(true);
    this.onView();
  }

  /** Zoom about the middle; a factor below 1 shows less. */
  zoomBy(factor) {
    const about = ({ domain: [low, high] }) => {
      const [middle, half] = [(low + high) / 2, (factor * (high - low)) / 2];
      return [middle - half, middle + half];
    };
    const { x, y } = this.current;
    this.setZoom({ x: about(x), y: about(y) });
  }

  showTip(point) {
    const lines = this.describe(point.row);
    this.tip.replaceChildren(...lines.map((line) => html("div", {}, line)));
    this.tip.hidden = false;
    const [x, y] = point.at;
    const right = x + 14 + this.tip.offsetWidth > this.width ? x - 14 - this.tip.offsetWidth : x + 14;
    this.tip.style.left = `${Math.max(right, 0)}px`;
    this.tip.style.top = `${Math.min(Math.max(y - 12, 0), Math.max(this.height - this.tip.offsetHeight, 0))}px`;
    this.canvas.querySelector(".spot")?.remove();
    this.canvas.append(svg("circle", { class: "spot", cx: x, cy: y, r: 6, fill: "none", stroke: palette().ink, "stroke-width": 1.6 }));
  }

  hideTip() {
    this.tip.hidden = true;
    this.canvas.querySelector(".spot")?.remove();
  }
}

/** Draw every figure again, in the colours of the theme. */
export function redrawAll() {
  for (const figure of drawn) {
    if (!figure.spec) continue;
    figure.drawLegend();
    figure.redraw(true);
  }
}
