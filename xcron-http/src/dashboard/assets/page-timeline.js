// The coming 24 hours as a heat map: a row for each hour, a cell for each minute.

import { now } from "./api.js";
import { fill, h, svg } from "./dom.js";
import { forecast } from "./forecast.js";
import { count, t } from "./i18n.js";
import { button, card, empty, errorBox, taskLink } from "./parts.js";
import { absolute, clock, parts, when } from "./time.js";

const MINUTES = 60;
const HOUR = 3600;
const CELL = 14;
const LEFT = 44;
const TOP = 20;
const LEVELS = 6;
const LISTED_MAX = 50;

/** The fewest and the most runs of the minutes that have any. */
function range({ minutes }) {
  const some = minutes.map(({ n }) => n).filter((n) => n > 0);
  return some.length ? [Math.min(...some), Math.max(...some)] : [0, 0];
}

/** How hot a minute is: 0 without runs, else by where it stands between the fewest and the most. */
function level(n, [least, most]) {
  if (!n) return 0;
  const share = most > least ? (n - least) / (most - least) : 1;
  return 1 + Math.round(share * (LEVELS - 1));
}

const shown = (n) => (Number.isInteger(n) ? n : Math.round(n * 10) / 10);

function draw(picture, found, first, pick) {
  const ends = range(found);
  const rowsCount = Math.ceil((found.from + 86_400 - first) / HOUR);
  const [width, height] = [LEFT + MINUTES * CELL, TOP + rowsCount * CELL];
  picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const heads = [0, 15, 30, 45].map((minute) =>
    svg("text", { x: LEFT + minute * CELL, y: 12, class: "tick" },
      `:${String(minute).padStart(2, "0")}`));
  const hours = Array.from({ length: rowsCount }, (_, row) =>
    svg("text", { x: LEFT - 6, y: TOP + row * CELL + 10, class: "tick end" },
      clock(first + row * HOUR)));
  const cells = found.minutes.map((minute, index) => {
    const at = found.from + index * 60;
    const place = (at - first) / 60;
    const [row, column] = [Math.floor(place / MINUTES), place % MINUTES];
    return svg("rect", {
      x: LEFT + column * CELL, y: TOP + row * CELL, width: CELL - 2, height: CELL - 2, rx: 2,
      class: `heat h${level(minute.n, ends)}`, onclick: minute.n ? () => pick(index) : null,
    }, svg("title", {}, `${clock(at)} · ${t("timeline.runs", { n: shown(minute.n) })}`));
  });
  fill(picture, heads, hours, cells);
}

function summary(found) {
  const total = found.minutes.reduce((sum, { n }) => sum + n, 0);
  const top = Math.max(...found.minutes.map(({ n }) => n));
  const hottest = found.minutes.findIndex(({ n }) => n === top);
  return [
    h("p", {}, t("timeline.total", { n: Math.round(total) }), " ",
      top > 0 && t("timeline.peak", { time: clock(found.from + hottest * 60), n: shown(top) })),
    !found.isWhole && h("p", { class: "notice" }, t("timeline.part", { n: found.tasks })),
    found.left > 0 && h("p", { class: "notice" }, t("timeline.left", { n: found.left })),
    found.even > 0 && h("p", { class: "faint small" }, t("timeline.even", { n: found.even })),
  ];
}

function minuteList(found, index) {
  const { n, groups } = found.minutes[index];
  const tasks = [...groups].flatMap((group) => group.tasks);
  return card(t("timeline.minute", { time: absolute(found.from + index * 60),
    n: shown(n) }),
  h("table", { class: "tight" }, h("tbody", {}, tasks.slice(0, LISTED_MAX).map((task) =>
    h("tr", {}, h("td", {}, taskLink(task.task_id, task.name ?? task.task_id)),
      h("td", { class: "mono faint" }, task.type === 1 ? task.format : t("type.2")),
      h("td", { class: "faint" }, task.timezone))))),
  tasks.length > LISTED_MAX && h("p", { class: "faint" },
    t("timeline.more", { n: tasks.length - LISTED_MAX })));
}

/** A list for those who cannot use the picture: the busiest minutes. */
function busiest(found, pick) {
  const order = found.minutes.map(({ n }, index) => ({ n, index }))
    .filter(({ n }) => n > 0).sort((a, b) => b.n - a.n || a.index - b.index).slice(0, 10);
  return card(t("timeline.busiest"), h("table", { class: "tight" }, h("tbody", {},
    order.map(({ n, index }) => h("tr", {},
      h("td", {}, when(found.from + index * 60)),
      h("td", { class: "end mono" }, count(shown(n))),
      h("td", { class: "end" }, button(t("timeline.show"), () => pick(index),
        { kind: "quiet" })))))));
}

function legend(found) {
  const [least, most] = range(found);
  return h("p", { class: "legend" }, count(shown(least)),
    Array.from({ length: LEVELS }, (_, index) => h("i", { class: `cell h${index + 1}` })),
    t("timeline.runs", { n: shown(most) }));
}

/** Shows the page in `root` until `signal`. */
export default function timeline(root, query, signal) {
  const picture = svg("svg", { class: "heatmap", role: "img", "aria-label": t("nav.timeline") });
  const place = h("div", {});
  const said = h("div", {});
  const list = h("div", {});
  const scale = h("div", {});
  let isPlanned = false;

  async function load() {
    const from = Math.floor(now() / 60) * 60;
    const first = from - Number(parts(from).minute) * 60;
    let last = null;
    let isDone = false;
    const pick = (index) => fill(list, minuteList(last, index));
    const drawLast = () => {
      isPlanned = false;
      draw(picture, last, first, pick);
      fill(scale, legend(last));
      fill(said, summary(last), isDone ? null : h("p", { class: "faint" }, t("loading")));
    };
    fill(place, picture);
    fill(list);
    try {
      await forecast(from, signal, (found) => {
        last = found;
        if (isPlanned) return;
        isPlanned = true;
        requestAnimationFrame(drawLast);
      });
      isDone = true;
      drawLast();
      if (!last.tasks) fill(place, empty(t("timeline.none"), t("overview.soon_hint")));
      else fill(list, busiest(last, pick));
    } catch (error) {
      if (!signal.aborted) fill(place, errorBox(error, load));
    }
  }

  const name = t("nav.timeline");
  const scrolled = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": name },
    place);
  fill(root,
    h("div", { class: "title" }, h("h1", {}, name), h("span", { class: "grow" }),
      button(t("timeline.again"), load, { kind: "quiet" })),
    card(null, said, scrolled, scale), list);
  load();
}
