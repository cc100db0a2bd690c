// Starts the page: reads the data that is inlined, and brings figures, tables and controls to life.

import { Chooser } from "./chooser.js";
import { unsqueezeJson } from "./codec.js";
import { Run } from "./data.js";
import { byId } from "./dom.js";
import { Explorer } from "./explorer.js";
import { redrawAll } from "./figure.js";
import { showGrids } from "./grid.js";
import { showPictures } from "./pictures.js";
import { showSignature } from "./signature.js";
import { enhanceTables } from "./tables.js";

function themes() {
  const select = byId("theme");
  select.addEventListener("change", () => {
    if (select.value) document.documentElement.dataset.theme = select.value;
    else delete document.documentElement.dataset.theme;
    redrawAll();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
}

async function start() {
  enhanceTables();
  themes();
  if (typeof DecompressionStream === "undefined") { // an old browser keeps the still figures and the tables
    document.documentElement.classList.remove("js");
    return;
  }
  const run = new Run(JSON.parse(byId("run-data").textContent));
  await run.open();
  if (!(await showSignature(run))) byId("signature")?.parentElement.classList.add("still");
  if (run.problems.length) {
    const explorer = new Explorer(run);
    await explorer.start();
    globalThis.diffbench = { run, explorer }; // for those who want the numbers in the console
  }
  const steps = await unsqueezeJson(run.steps);
  if (steps.profiles.length) new Chooser(run, steps);
  showGrids(byId("grids"), await unsqueezeJson(run.tables));
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
  await showPictures();
}

start();
