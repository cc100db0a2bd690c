// Elements without markup in strings: whatever a run calls its problems, text stays text.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element; `attributes` with the value false or null are left out, children may be text. */
export function html(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same for SVG. */
export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A button that does something. */
export function button(label, action, attributes = {}) {
  const made = html("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", action);
  return made;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Replace the options of a select; gives the value that is chosen now: the old one where it still exists. */
export function fill(select, options, wanted = select.value) {
  const groups = new Map();
  select.replaceChildren();
  for (const { value, label = value, group } of options) {
    const option = html("option", { value }, label);
    if (group === undefined) {
      select.append(option);
      continue;
    }
    if (!groups.has(group)) {
      groups.set(group, html("optgroup", { label: group }));
      select.append(groups.get(group));
    }
    groups.get(group).append(option);
  }
  const values = options.map(({ value }) => String(value));
  select.value = values.includes(String(wanted)) ? String(wanted) : (values[0] ?? "");
  return select.value;
}
