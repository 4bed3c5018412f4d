// A list of any length of which only the rows in sight exist.

import { NARROW, h } from "./dom.js";

const ROW_PIXELS = 44;
const NARROW_ROW_PIXELS = 68;
const BEYOND = 8;
/** How many rows before the end more are asked for. */
const EARLY = 60;

/**
 * A grid with `columns` (names of its heads). `cells(item)` makes the cells of a row, `key(item)`
 * names it, `open(item)` is what Enter does, `mark(item)` what the space bar does, and `more()`
 * is called when the end comes near.
 */
export function rows({ kind, name, columns, cells, key, open, mark, more }) {
  const narrow = matchMedia(NARROW);
  const body = h("div", { class: "rows-body" });
  const head = h("div", { class: "row head", role: "row" },
    columns.map((column) => h("div", { role: "columnheader" }, column)));
  const element = h("div", {
    class: `rows ${kind}`, role: "grid", tabindex: 0, "aria-label": name,
  }, head, body);
  const drawn = new Map();
  let items = [];
  let current = -1;
  let isPlanned = false;

  const tall = () => (narrow.matches ? NARROW_ROW_PIXELS : ROW_PIXELS);
  const id = (item) => `row-${key(item)}`;

  function make(item, index) {
    const row = h("div", { class: "row", role: "row", id: id(item) },
      cells(item).map((cell) => h("div", { role: "gridcell" }, cell)));
    const press = (event) => {
      if (event.target.closest("a, button, input, label")) return;
      open?.(item);
    };
    row.addEventListener("click", press);
    drawn.set(key(item), { item, row, index });
    return row;
  }

  function draw() {
    isPlanned = false;
    const height = tall();
    body.style.height = `${items.length * height}px`;
    const first = Math.max(0, Math.floor(element.scrollTop / height) - BEYOND);
    const shown = Math.ceil(element.clientHeight / height) + 2 * BEYOND;
    const last = Math.min(items.length, first + shown);
    const kept = new Set();
    for (let index = first; index < last; index += 1) {
      const item = items[index];
      const name = key(item);
      kept.add(name);
      const old = drawn.get(name);
      let row = old?.row;
      // A row that is being pressed stays: else the press would be none.
      if (old?.item !== item && !old?.row.matches(":active")) {
        row = make(item, index);
        if (old) old.row.replaceWith(row);
        else body.append(row);
      }
      row.style.transform = `translateY(${index * height}px)`;
      row.setAttribute("aria-rowindex", index + 2);
      row.classList.toggle("current", index === current);
    }
    for (const [name, { row }] of drawn) {
      if (kept.has(name)) continue;
      row.remove();
      drawn.delete(name);
    }
    const active = items[current];
    if (active && kept.has(key(active))) element.setAttribute("aria-activedescendant", id(active));
    else element.removeAttribute("aria-activedescendant");
    if (last > items.length - EARLY) more?.();
  }

  function plan() {
    if (isPlanned) return;
    isPlanned = true;
    requestAnimationFrame(draw);
  }

  function move(to) {
    current = Math.max(0, Math.min(items.length - 1, to));
    const height = tall();
    const [top, bottom] = [current * height, (current + 1) * height];
    const room = element.clientHeight - head.offsetHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (bottom > element.scrollTop + room) element.scrollTop = bottom - room;
    plan();
  }

  const KEYS = {
    ArrowDown: () => move(current + 1),
    ArrowUp: () => move(current - 1),
    PageDown: () => move(current + 10),
    PageUp: () => move(current - 10),
    Home: () => move(0),
    End: () => move(items.length - 1),
    Enter: () => items[current] && open?.(items[current]),
    " ": () => items[current] && mark?.(items[current]),
  };
  element.addEventListener("keydown", (event) => {
    if (event.target !== element || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  element.addEventListener("scroll", plan, { passive: true });
  new ResizeObserver(plan).observe(element);

  return {
    element,
    /** Shows other items; those that are the same objects as before are not made anew. */
    show(next, { isWhole } = {}) {
      items = next;
      element.setAttribute("aria-rowcount", isWhole ? items.length + 1 : -1);
      plan();
    },
    /** Makes all rows in sight anew. */
    redraw() {
      for (const { row } of drawn.values()) row.remove();
      drawn.clear();
      plan();
    },
    /** The items in sight. */
    sight() {
      const first = Math.floor(element.scrollTop / tall());
      return items.slice(first, first + Math.ceil(element.clientHeight / tall()) + 1);
    },
    toTop() {
      element.scrollTop = 0;
      current = -1;
    },
  };
}
