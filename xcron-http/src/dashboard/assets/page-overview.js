// The first page: whether all is well, and what to look at if not.

import { get, now } from "./api.js";
import { chart } from "./chart.js";
import { nodeCard } from "./nodes.js";
import { fill, h, refill } from "./dom.js";
import { count, t } from "./i18n.js";
import { every } from "./live.js";
import { all, latest, quantiles, spans, value } from "./metrics.js";
import { card, choice, empty, errorBox, linkButton, taskLink } from "./parts.js";
import { href, note } from "./router.js";
import { absolute, brief, duration, when } from "./time.js";

const TILE_MS = 2_000;
const SOON_MS = 3_000;
const LIST_MS = 10_000;
const PAST_MS = 60_000;
const LIVE_SECONDS = 600;
const LIVE_SECONDS_MIN = 120;
const RATE_SECONDS = 60;
/** How far ahead the next tasks are looked for, until there are enough of them. */
const WINDOWS = [60, 600, 3600];
const SOON_MAX = 8;
const FAILED_MAX = 8;
const DUE_PAGES_MAX = 3;
/** Spans that are asked for one after another: seconds in all, and of each. */
const PASTS = { hour: [3600, 300], day: [86_400, 3600] };
const SHOWN = ["succeeded", "failed", "skipped"];

function tile(name, number, detail, { kind = "", to } = {}) {
  return h(to ? "a" : "div", { class: `tile ${kind}`, href: to },
    h("span", { class: "faint" }, t(name)), h("strong", {}, number), h("small", {}, detail));
}

function late() {
  const found = quantiles("xcron_lateness_seconds", [0.5, 0.99], LIVE_SECONDS);
  const [middle, worst] = found ? found.map(duration) : ["–", "–"];
  return tile("overview.late", middle, t("overview.late_detail", { worst }));
}

function tiles(due) {
  const last = latest();
  if (!last) return null;
  const tasks = (state) => value(last, "xcron_tasks", { state }) ?? 0;
  const recent = spans().filter((span) => span.to > last.at - RATE_SECONDS);
  const seconds = recent.reduce((sum, span) => sum + span.to - span.from, 0);
  const total = (name) => recent.reduce((sum, span) => sum + span[name], 0);
  const rate = seconds ? (total("succeeded") + total("failed")) / seconds : 0;
  const dead = value(last, "xcron_dead_letter_runs");
  const age = value(last, "xcron_dispatch_queue_age_seconds") ?? 0;
  return [
    tile("overview.tasks", count(tasks("active")), t("overview.tasks_detail",
      { paused: tasks("paused"), finished: tasks("finished") }), { to: href("tasks") }),
    tile("overview.rate", seconds ? rate.toFixed(rate < 10 ? 1 : 0) : "–",
      t("overview.rate_detail", { n: total("failed") }), { kind: total("failed") ? "alert" : "" }),
    late(),
    tile("overview.due", due, t("overview.due_detail")),
    tile("overview.in_flight", count(value(last, "xcron_in_flight") ?? 0),
      t("overview.in_flight_detail", { age: duration(age) })),
    tile("overview.dead", dead === null ? "–" : count(dead), t("overview.dead_detail"),
      { kind: dead ? "bad" : "", to: href("dead") }),
  ];
}

async function dueInAnHour(signal) {
  let [found, cursor] = [0, null];
  for (let page = 0; page < DUE_PAGES_MAX; page += 1) {
    const asked = { due_before: Math.floor(now()) + 3600, limit: 1000, cursor };
    const answer = await get("listTasks", { ...asked, consistency: "stale" }, { signal });
    found += answer.tasks.length;
    cursor = answer.next_cursor;
    if (!cursor) return count(found);
  }
  return `> ${count(found)}`;
}

async function soonest(signal) {
  for (const ahead of WINDOWS) {
    const asked = { due_before: Math.floor(now()) + ahead, limit: 500, consistency: "stale" };
    const { tasks, next_cursor: more } = await get("listTasks", asked, { signal });
    if (tasks.length >= SOON_MAX || more || ahead === WINDOWS.at(-1)) {
      const first = tasks.sort((a, b) => a.next_time - b.next_time).slice(0, SOON_MAX);
      return { tasks: first, isWhole: !more };
    }
  }
  return { tasks: [], isWhole: true };
}

function soonTable({ tasks, isWhole }) {
  const part = !isWhole && h("p", { class: "faint small" }, t("overview.soon_part"));
  if (!tasks.length) {
    if (part) return part;
    return empty(t("overview.soon_none"), t("overview.soon_hint"),
      linkButton(t("nav.new"), "new", {}, { sign: "plus" }));
  }
  return [part, h("table", {}, h("tbody", {}, tasks.map((task) => h("tr", {},
    h("td", {}, taskLink(task.task_id, task.name ?? task.task_id)),
    h("td", { class: "mono faint" }, task.type === 1 ? task.format : t("type.2")),
    h("td", { class: "end" }, when(task.next_time))))))];
}

async function failing(signal) {
  const asked = { status: "failed", limit: 1000, consistency: "stale" };
  const { runs } = await get("listRuns", asked, { signal });
  const tasks = new Map();
  for (const run of runs) {
    const known = tasks.get(run.task_id);
    const last = known && known.last.scheduled_time > run.scheduled_time ? known.last : run;
    tasks.set(run.task_id, { last, n: (known?.n ?? 0) + 1 });
  }
  const found = [...tasks.values()];
  return found.sort((a, b) => b.last.scheduled_time - a.last.scheduled_time);
}

function failingTable(found) {
  if (!found.length) return empty(t("overview.failing_none"), t("overview.failing_hint"));
  return [
    h("table", {}, h("tbody", {}, found.slice(0, FAILED_MAX).map(({ last, n }) => h("tr", {},
      h("td", { class: "clip-cell" }, taskLink(last.task_id),
        h("div", { class: "faint clip small", title: last.error }, last.error)),
      h("td", { class: "end bad-text nowrap" }, t("overview.failures", { n })),
      h("td", { class: "end" }, when(last.scheduled_time)))))),
    found.length > FAILED_MAX && h("p", { class: "foot" },
      h("a", { href: href("dead") }, t("overview.failing_more", { n: found.length }))),
  ];
}

function liveItems() {
  return spans().map((span) => {
    const seconds = span.to - span.from;
    const item = { from: span.from, to: span.to, title: "" };
    for (const name of SHOWN) item[name] = span[name] / seconds;
    const said = SHOWN.map((name) => `${t(`status.${name}`)} ${item[name].toFixed(1)}`);
    return { ...item, title: `${absolute(span.to)}\n${said.join("\n")}` };
  });
}

function pastItem({ from, to, outcomes, pending }) {
  const failed = outcomes.failed + outcomes.unknown;
  const { skipped_misfire: missed, skipped_overlap: over, skipped_paused: paused } = outcomes;
  const skipped = missed + over + paused;
  const { succeeded, unlisted } = outcomes;
  const item = { from, to, succeeded, failed, skipped, unlisted };
  const said = [...SHOWN, "unlisted"].map((name) => `${t(`status.${name}`)} ${item[name]}`);
  const title = [`${brief(from)} – ${brief(to)}`, ...said, `${t("status.pending")} ${pending}`];
  return { ...item, title: title.join("\n") };
}

/** What became of the spans of an hour or a day; those that are over are asked for once. */
async function past(kind, kept, signal) {
  const [whole, each] = PASTS[kind];
  const end = (Math.floor(now() / each) + 1) * each;
  const items = [];
  let isWhole = true;
  for (let from = end - whole; from < end; from += each) {
    const isOver = from + each < now() - each;
    let found = kept.get(from);
    if (!found || !isOver) {
      const asked = { from, to: from + each, consistency: "stale" };
      found = { from, to: from + each, ...(await get("audit", asked, { signal })) };
      kept.set(from, found);
    }
    items.push(pastItem(found));
    if (found.next_cursor) isWhole = false;
  }
  return { isWhole, items, from: end - whole, to: end };
}

function chartCard(query, signal) {
  let kind = query.get("span") ?? "live";
  const kept = { hour: new Map(), day: new Map() };
  const live = chart(SHOWN, t("overview.chart"));
  const long = chart([...SHOWN, "unlisted"], t("overview.chart"));
  const place = h("div", {});
  const part = h("p", { class: "notice" });
  part.hidden = true;
  const draw = () => fill(place, (kind === "live" ? live : long).element,
    h("p", { class: "faint small" }, t(`overview.chart_${kind}`)), part);
  const drawLive = () => {
    const end = now();
    // The window grows with what there is to see.
    const seen = Math.max(LIVE_SECONDS_MIN, end - (all()[0]?.at ?? end));
    const from = end - Math.min(LIVE_SECONDS, seen);
    live.show(liveItems().filter((item) => item.from >= from),
      { from, to: end, unit: t("overview.per_second") });
  };
  const drawPast = async () => {
    if (kind === "live") return;
    try {
      const found = await past(kind, kept[kind], signal);
      if (!place.contains(long.element)) draw();
      fill(part, t("overview.chart_part"));
      part.hidden = found.isWhole;
      long.show(found.items, { ...found, unit: t("overview.runs_unit") });
    } catch (error) {
      if (!signal.aborted) fill(place, errorBox(error));
    }
  };
  const pick = (option) => {
    kind = option;
    note({ span: kind === "live" ? null : kind });
    part.hidden = true;
    draw();
    drawPast();
  };
  draw();
  every(TILE_MS, signal, drawLive);
  every(PAST_MS, signal, drawPast);
  const options = ["live", "hour", "day"].map((each) => [each, t(`overview.span_${each}`)]);
  return card(t("overview.chart"),
    h("div", { class: "corner" }, choice(t("overview.chart"), options, kind, pick)), place);
}

function section(title, signal, ms, load, draw) {
  const place = h("div", {}, h("p", { class: "faint" }, t("loading")));
  every(ms, signal, async () => {
    try {
      refill(place, draw(await load(signal)));
    } catch (error) {
      if (!signal.aborted) fill(place, errorBox(error));
    }
  });
  return card(title, place);
}

const drawCluster = (cluster) =>
  h("div", { class: "nodes" }, cluster.nodes.map((node) => nodeCard(node, cluster)));

/** A node that stands by counts no runs, which is said before it is wondered at. */
function standsBy(cluster) {
  const own = cluster.node_id;
  if (cluster.leader === own) return null;
  const [here, leader] = [String(own), String(cluster.leader ?? "–")];
  return h("p", { class: "notice" }, t("overview.follower", { own: here, leader }));
}

/** Shows the page in `root` until `signal`. */
export default function overview(root, query, signal) {
  let due = "…";
  const row = h("div", { class: "tiles" });
  every(TILE_MS, signal, () => refill(row, tiles(due)));
  every(LIST_MS * 3, signal, async () => {
    due = await dueInAnHour(signal);
  });
  const told = h("div", {});
  const cluster = async () => {
    const found = await get("cluster", {}, { signal });
    fill(told, standsBy(found));
    return found;
  };
  fill(root, h("h1", {}, t("nav.overview")), told, row, chartCard(query, signal),
    h("div", { class: "two" },
      section(t("overview.soon"), signal, SOON_MS, soonest, soonTable),
      section(t("overview.failing"), signal, LIST_MS, failing, failingTable)),
    section(t("nav.cluster"), signal, LIST_MS / 2, cluster, drawCluster));
}
