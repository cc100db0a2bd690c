// Outlines of the markers, as SVG path data around a point.

const UNIT = {
  square: [[-0.85, -0.85], [0.85, -0.85], [0.85, 0.85], [-0.85, 0.85]],
  diamond: [[0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]],
  up: [[0, -1.1], [1.1, 0.85], [-1.1, 0.85]],
  down: [[0, 1.1], [1.1, -0.85], [-1.1, -0.85]],
  left: [[-1.1, 0], [0.85, -1.1], [0.85, 1.1]],
  right: [[1.1, 0], [-0.85, -1.1], [-0.85, 1.1]],
  plus: [
    [-0.35, -1.1], [0.35, -1.1], [0.35, -0.35], [1.1, -0.35], [1.1, 0.35], [0.35, 0.35],
    [0.35, 1.1], [-0.35, 1.1], [-0.35, 0.35], [-1.1, 0.35], [-1.1, -0.35], [-0.35, -0.35],
  ],
  star: Array.from({ length: 10 }, (_, i) => {
    const size = i % 2 ? 0.5 : 1.25;
    const angle = (Math.PI * i) / 5;
    return [size * Math.sin(angle), -size * Math.cos(angle)];
  }),
};

/** Path data of a marker with half-width `size` at (x, y). */
export function marker(shape, x, y, size) {
  if (shape === "circle") {
    return `M${px(x - size)} ${px(y)}a${size} ${size} 0 1 0 ${2 * size} 0a${size} ${size} 0 1 0 ${-2 * size} 0z`;
  }
  if (shape === "cross") {
    return `M${px(x - size)} ${px(y - size)}l${2 * size} ${2 * size}m0 ${-2 * size}l${-2 * size} ${2 * size}`;
  }
  if (shape === "cup") return `M${px(x - size)} ${px(y - size)}v${size}h${2 * size}v${-size}`;
  const corners = UNIT[shape] ?? UNIT.square;
  return `M${corners.map(([dx, dy]) => `${px(x + dx * size)} ${px(y + dy * size)}`).join("L")}z`;
}

/** Markers that are strokes, without an inside. */
export function isOpen(shape) {
  return shape === "cross" || shape === "cup";
}

export function px(value) {
  return Math.round(value * 100) / 100;
}
