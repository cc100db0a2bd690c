// Reads what page_codec.py wrote: deflated bytes as base64, and numbers of four digits in three bytes.

const LOWEST = 330;
const MANTISSAS = 9000;
const SIGN = 1 << 23;
const SPECIAL = [0, NaN, Infinity, -Infinity];

/** The bytes behind a base64 text. */
export async function unsqueeze(text) {
  const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A deflated JSON document. */
export async function unsqueezeJson(text) {
  return JSON.parse(new TextDecoder().decode(await unsqueeze(text)));
}

/** `length` numbers from three planes of bytes. */
export function numbersAt(bytes, start, length) {
  const values = new Float64Array(length);
  for (let i = 0; i < length; i += 1) {
    const code = bytes[start + i] | (bytes[start + length + i] << 8) | (bytes[start + 2 * length + i] << 16);
    values[i] = numberOf(code);
  }
  return values;
}

function numberOf(code) {
  if (code < SPECIAL.length) return SPECIAL[code];
  const size = (code & (SIGN - 1)) - SPECIAL.length;
  const exponent = Math.floor(size / MANTISSAS) - LOWEST - 3;
  const value = Number(`${(size % MANTISSAS) + 1000}e${exponent}`); // rounded as JavaScript reads a literal
  return code & SIGN ? -value : value;
}
