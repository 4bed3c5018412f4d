// Makes elements out of plain values. Text stays text: nothing here reads markup.

const SVG = "http://www.w3.org/2000/svg";

function append(element, child) {
  if (child === null || child === undefined || child === false) return;
  if (Array.isArray(child)) child.forEach((each) => append(element, each));
  else element.append(child instanceof Node ? child : String(child));
}

function build(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

/** An element with attributes, `on...` listeners and children. */
export const h = (tag, props, ...children) =>
  build(document.createElement(tag), props, children);

/** The same for a picture. */
export const svg = (tag, props, ...children) =>
  build(document.createElementNS(SVG, tag), props, children);

/** Puts `children` in the place of what `element` holds. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

const CAN_FOCUS = "a[href], button, input, select, textarea, summary";

/** The same, and what had the focus in it has it afterwards, by its place. */
export function refocus(element, ...children) {
  const before = [...element.querySelectorAll(CAN_FOCUS)].indexOf(document.activeElement);
  fill(element, ...children);
  if (before >= 0) element.querySelectorAll(CAN_FOCUS)[before]?.focus({ preventScroll: true });
  return element;
}

/**
 * The same, but what is being pressed is left as it is: a press that ends on another element than
 * it began on would be none. So `children` must be new: what stands elsewhere would be gone there.
 */
export function refill(element, ...children) {
  return element.matches(":active") ? element : refocus(element, ...children);
}

/** Calls `act` once `ms` after the last of several calls. */
export function debounce(act, ms) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(act, ms, ...args);
  };
}

/** The whole width at which rows take two lines. */
export const NARROW = "(max-width: 720px)";
