// Draws stacked bars over time.

import { fill, h, svg } from "./dom.js";
import { count, t } from "./i18n.js";
import { clock } from "./time.js";

const HEIGHT = 168;
const LEFT = 40;
const BOTTOM = 20;
const TOP = 8;
const TICK_PIXELS = 110;

/** A round number that is not below `value`. */
function roundUp(value) {
  const size = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((step) => step * size).find((step) => step >= value);
}

/** The step between two times on the axis. */
function timeStep(span, ticks) {
  const steps = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];
  return steps.find((step) => span / step <= ticks) ?? 604_800;
}

function axis(width, top, { from, to, unit }) {
  const inner = HEIGHT - TOP - BOTTOM;
  const lines = [0, 0.5, 1].map((share) => {
    const y = TOP + inner * (1 - share);
    return [
      svg("line", { x1: LEFT, x2: width, y1: y, y2: y, class: "grid" }),
      svg("text", { x: LEFT - 6, y: y + 4, class: "tick end" }, count(top * share)),
    ];
  });
  const step = timeStep(to - from, Math.max(2, (width - LEFT) / TICK_PIXELS));
  const offset = new Date(from * 1000).getTimezoneOffset() * 60;
  for (let at = Math.ceil((from - offset) / step) * step + offset; at < to; at += step) {
    const x = LEFT + ((at - from) / (to - from)) * (width - LEFT);
    if (x > width - 16 || x < LEFT + 12) continue;
    lines.push(svg("text", { x, y: HEIGHT - 5, class: "tick middle" }, clock(at)));
  }
  return [lines, svg("text", { x: LEFT + 4, y: TOP + 12, class: "tick" }, unit)];
}

function bar(item, parts, width, top, { from, to }) {
  const scale = (at) => LEFT + ((at - from) / (to - from)) * (width - LEFT);
  const x = Math.max(LEFT, scale(item.from));
  const wide = Math.max(1, scale(item.to) - x - (to - from > 900 ? 2 : 0.5));
  let y = HEIGHT - BOTTOM;
  const stack = parts.map((name) => {
    const tall = (item[name] / top) * (HEIGHT - TOP - BOTTOM);
    if (!(tall > 0)) return null;
    y -= tall;
    return svg("rect", { x, y, width: wide, height: tall, class: `bar ${name}` });
  });
  return svg("g", {}, svg("title", {}, item.title), stack);
}

function legend(parts) {
  return h("p", { class: "legend" }, parts.map((name) =>
    h("span", {}, h("i", { class: `dot ${name}` }), t(`status.${name}`))));
}

/**
 * A chart that draws itself anew when it is given something or becomes wider. Items have `from`,
 * `to`, a `title` and a number for each of `parts`.
 */
export function chart(parts, name) {
  const picture = svg("svg", { class: "chart", role: "img", "aria-label": name });
  picture.setAttribute("height", HEIGHT);
  let shown = null;
  const draw = () => {
    const width = picture.clientWidth;
    if (!shown || !width) return;
    const total = (item) => parts.reduce((all, part) => all + item[part], 0);
    const top = roundUp(Math.max(1, ...shown.items.map(total)));
    fill(picture, axis(width, top, shown),
      shown.items.map((item) => bar(item, parts, width, top, shown)));
  };
  new ResizeObserver(draw).observe(picture);
  return {
    element: h("figure", {}, picture, legend(parts)),
    show(items, range) {
      shown = { items, ...range };
      draw();
    },
  };
}
