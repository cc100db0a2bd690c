// Files that the page makes: figures as SVG and PNG with their parameters inside, tables as CSV.

import { html, svg } from "./dom.js";
import { palette } from "./looks.js";
import { draw, drawSwatch, heightFor } from "./plot.js";
import { plain } from "./words.js";

const WIDTH = 960;

export function download(name, content, type) {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = html("a", { href: address, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

/** The figure on white paper, with title, legend and parameters. */
export function svgText(spec, parameters) {
  const colours = palette(false);
  const shown = spec.legend.filter((entry) => !spec.hidden?.has(entry.key));
  const rows = legendRows(shown);
  const head = 34 + 20 * rows.length;
  const root = svg("svg", { xmlns: "http://www.w3.org/2000/svg" });
  draw(root, spec, WIDTH, colours, head);
  root.append(svg("text", { x: 12, y: 22, "font-size": 15, "font-weight": 700 }, spec.title));
  rows.forEach((entries, i) => entries.forEach(({ entry, x }) => {
    drawSwatch(root, entry, colours, x, 42 + 20 * i);
    root.append(svg("text", { x: x + 40, y: 46 + 20 * i }, entry.label));
  }));
  root.prepend(svg("title", {}, spec.title), svg("desc", {}, parameters), svg("metadata", {}, parameters));
  return new XMLSerializer().serializeToString(root);
}

function legendRows(entries) {
  const rows = [[]];
  let x = 12;
  for (const entry of entries) {
    const width = 56 + 7 * entry.label.length;
    if (x + width > WIDTH) [x, rows[rows.length]] = [12, []];
    rows[rows.length - 1].push({ entry, x });
    x += width;
  }
  return rows;
}

/** The same as PNG, twice as dense; the parameters are in its text chunk. */
export async function pngBlob(spec, parameters) {
  const text = svgText(spec, parameters);
  const image = new Image();
  const address = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  try {
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = () => reject(new Error("the figure could not be drawn"));
      image.src = address;
    });
    const height = Number(/height="(\d+)"/.exec(text)?.[1] ?? heightFor(spec, WIDTH));
    const canvas = html("canvas", { width: 2 * WIDTH, height: 2 * height });
    const context = canvas.getContext("2d");
    context.scale(2, 2);
    context.drawImage(image, 0, 0, WIDTH, height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    return withText(new Uint8Array(await blob.arrayBuffer()), "Description", parameters);
  } finally {
    URL.revokeObjectURL(address);
  }
}

// An iTXt chunk after the header (PNG specification, section 11.3.3.4): keyword, flags, UTF-8 text.
function withText(png, keyword, text) {
  const content = new TextEncoder().encode(`iTXt${keyword}\0\0\0\0\0${text}`);
  const chunk = new Uint8Array(content.length + 8);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, content.length - 4);
  chunk.set(content, 4);
  view.setUint32(content.length + 4, crc(content));
  const header = 33; // signature and IHDR
  return new Blob([png.subarray(0, header), chunk, png.subarray(header)], { type: "image/png" });
}

function crc(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return (value ^ 0xffffffff) >>> 0;
}

/** Rows of values as CSV (RFC 4180). */
export function csv(header, rows) {
  const cell = (value) => {
    const text = plain(value);
    return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  };
  return [header, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}
