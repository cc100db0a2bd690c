// What the tests ask of the page, by name: `t.points(0)`. Injected after the page is ready.

window.t = {
  explorer: () => diffbench.explorer,
  domain: () => [...diffbench.explorer.figure.current.x.domain, ...diffbench.explorer.figure.current.y.domain],
  domains: () => diffbench.explorer.figure.panels.map((p) => [p.x.domain, p.y.domain].flat().join()),
  lines: () => [...document.querySelectorAll("#explorer-plot [data-line]")].map((p) => p.dataset.line),
  surface: () => document.querySelector("#explorer-plot .surface svg"),
  picture: () => t.surface().innerHTML.replace(/clip-[0-9]+/g, ""),
  arrived: (problem) => {
    const { shown, turn, state } = diffbench.explorer;
    return shown === turn && state.problem === problem;
  },

  /** Every measured point of a panel as it was handed to the drawing. */
  points: (panel) =>
    diffbench.explorer.panels[panel].clouds
      .filter((cloud) => cloud.key !== "rules")
      .flatMap((cloud) =>
        cloud.points.map(({ x, y, row }) => ({
          stencil: cloud.key, x, y, h: row.h, status: row.status, error: row.error,
          parts: diffbench.run.parts.map((name) => row[name]),
        })),
      ),

  choices: () =>
    diffbench.explorer.panels[0].clouds
      .filter((cloud) => cloud.key === "rules")
      .flatMap((cloud) =>
        cloud.points.map(({ x, row }) => [row.choice.method, Number.isNaN(x) ? null : x, row.error, cloud.edge]),
      ),

  stars: () => {
    const { stars, levels, series } = diffbench.explorer.panels[0];
    return [
      stars.map((s) => [s.row.series.stencil, s.x, s.y * s.row.series.unit]),
      levels.map((level) => level.y * series[0].unit),
    ];
  },

  /** Tick labels with their places, and the corners of every mark of a stencil, in pixels. */
  drawn: (stencil) => {
    const at = (tick) => [tick.textContent, Number(tick.getAttribute("x")), Number(tick.getAttribute("y"))];
    const ticks = (name) => [...document.querySelectorAll(`#explorer-plot .tick-${name}`)].map(at);
    const cloud = document.querySelector(`#explorer-plot [data-cloud='${stencil}']`).getAttribute("d");
    const corner = (text) => text.match(/-?[0-9.]+/g).map(Number);
    const marks = cloud.split("M").filter(Boolean).map((mark) => mark.split("L").map(corner));
    return [{ x: ticks("x"), y: ticks("y") }, marks];
  },

  pointer: (type, x, y) => {
    const { left, top } = t.surface().getBoundingClientRect();
    const options = { bubbles: true, button: 0, pointerType: "mouse", clientX: left + x, clientY: top + y };
    t.surface().dispatchEvent(new PointerEvent(type, options));
  },

  /** Point at a row that is ok; the lines of the tooltip. */
  tip: () => {
    const { figure } = diffbench.explorer;
    const { at } = figure.panels[0].points.find(({ row }) => row.status === "ok" && row.h < 1e-3);
    t.pointer("pointermove", ...at);
    return figure.tip.hidden ? [] : [...figure.tip.children].map((line) => line.textContent);
  },

  links: (selector) =>
    [...document.querySelectorAll(selector)].map((a) => a.getAttribute("href")).filter((href) => href[0] === "#"),
  ids: () => [...document.querySelectorAll("[id]")].map((e) => e.id),
  column: (selector, place) => [...document.querySelector(selector).tBodies[0].rows].map((r) => r.cells[place].textContent),
  rows: (selector) => {
    const text = (cell) => cell.textContent.replace(/\s+/g, " ").trim();
    return [...document.querySelectorAll(selector)].map((row) => [...row.cells].map(text).join("|"));
  },

  outside: (width) => {
    const wide = (e) => !e.closest(".wide, pre, svg, .contents") && e.getBoundingClientRect().right > width + 1;
    return [...document.querySelectorAll("main *, header *")].filter(wide).map((e) => e.outerHTML.slice(0, 80));
  },

  fetched: async () => {
    try {
      await fetch("https://example.org/");
      return "fetched";
    } catch (error) {
      return error.name;
    }
  },

  plant: () => {
    const script = document.createElement("script");
    script.textContent = "window.planted = 1";
    const image = document.createElement("img");
    image.setAttribute("onerror", "window.planted = 2");
    image.src = "data:,x";
    document.body.append(script, image);
  },

  violations: async (where, options) => (await axe.run(where, { resultTypes: ["violations"], ...options })).violations,

  shift: () =>
    new Promise((resolve) => {
      let sum = 0;
      const add = (list) => list.getEntries().forEach((entry) => { sum += entry.value; });
      new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
      setTimeout(() => resolve(sum), 100);
    }),
};
