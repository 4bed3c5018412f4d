// One task: its schedule, what it has come to, its runs, its definition, and what can be done.

import { get } from "./api.js";
import { pause, remove, resume, retryAll, run } from "./actions.js";
import { fill, h, refill, svg } from "./dom.js";
import { count, t } from "./i18n.js";
import { every } from "./live.js";
import {
  badge, button, card, choice, copyButton, empty, errorBox, facts, label, linkButton,
} from "./parts.js";
import { callbackCommand } from "./curl.js";
import { go, href } from "./router.js";
import { openRun, secondsOf, tookOf } from "./run-view.js";
import { fires, preview } from "./schedule.js";
import { absolute, brief, duration, ownZone, when } from "./time.js";

const REFRESH_MS = 3_000;
const FIRES = 10;
const ATTENTION = ["failed", "unknown"];

function title(task, reload) {
  const id = task.task_id;
  const acting = (act) => async () => {
    if (await act(id)) await reload();
  };
  const gone = async () => {
    if (await remove(id)) go("tasks");
  };
  const isOver = task.state === "finished";
  return [
    h("div", { class: "title" },
      h("h1", {}, task.name ?? id), badge(task.state),
      h("span", { class: "grow" }),
      h("div", { class: "actions" },
        button(t("do.run"), acting(run), { kind: "primary", sign: "runs" }),
        task.state === "paused"
          ? button(t("do.resume"), acting(resume))
          : !isOver && button(t("do.pause"), acting(pause)),
        linkButton(t("do.edit"), "edit", { id }),
        linkButton(t("do.clone"), "clone", { id }),
        button(t("do.delete"), gone, { kind: "danger" }))),
    h("p", { class: "under" }, h("span", { class: "mono faint wrap" }, id),
      Object.entries(task.labels).map(([key, value]) => label(key, value))),
    task.note && h("p", { class: "notice" }, t("task.note"), " ", h("q", {}, task.note)),
  ];
}

function counters(task) {
  const one = (name, n, kind = "") => h("div", { class: `tile ${kind}` },
    h("span", { class: "faint" }, t(name)), h("strong", {}, count(n)));
  return h("div", { class: "tiles" },
    h("div", { class: "tile" }, h("span", { class: "faint" }, t("tasks.next")),
      h("strong", {}, task.next_time === null ? "–" : when(task.next_time))),
    one("status.succeeded", task.success_count),
    one("status.failed", task.failure_count, task.failure_count ? "bad" : ""),
    one("status.skipped", task.skip_count),
    task.unknown_count > 0 && one("status.unknown", task.unknown_count, "bad"),
    task.cancelled_count > 0 && one("status.cancelled", task.cancelled_count),
    one("task.open", task.open_runs.length));
}

/** The last runs as a strip: how they ended and how long they took, the newest at the right. */
function strip(runs) {
  const shown = runs.slice().reverse();
  const longest = Math.max(1, ...shown.map(secondsOf));
  const wide = 12;
  const tall = 40;
  const bars = shown.map((each, index) => {
    const height = 14 + (tall - 14) * (secondsOf(each) / longest);
    const mark = ATTENTION.includes(each.status) ? "failed"
      : each.status === "succeeded" ? "succeeded" : "skipped";
    const said = `${brief(each.scheduled_time)} · ${t(`status.${each.status}`)}`;
    return svg("rect", { x: index * wide, y: tall - height, width: wide - 3, height, rx: 2,
      class: `bar ${mark}` }, svg("title", {}, said));
  });
  const width = shown.length * wide;
  return svg("svg", { class: "strip", width, height: tall, viewBox: `0 0 ${width} ${tall}`,
    role: "img", "aria-label": t("task.strip") }, bars);
}

function runLine(each, reload) {
  const open = () => openRun(each, reload);
  return h("tr", {},
    h("td", {}, badge(each.status)),
    h("td", {}, when(each.scheduled_time)),
    h("td", { class: "nowrap" }, each.count > 1 ? `× ${count(each.count)}`
      : each.attempt ? t("run.tries", { n: each.attempt }) : "–"),
    h("td", { class: "nowrap" }, tookOf(each)),
    h("td", { class: "mono" }, each.http_status ?? "–"),
    h("td", { class: "clip-cell" }, h("span", { class: "faint clip", title: each.error },
      each.error ?? "")),
    h("td", { class: "end" }, button(t("run.open"), open, { kind: "quiet" })));
}

function runsCard(task, reload) {
  const id = task.task_id;
  const all = [...task.open_runs, ...task.last_runs];
  const hasFailed = all.some((each) => each.status === "failed");
  const again = async () => {
    if (await retryAll(id)) await reload();
  };
  if (!all.length) return card(t("task.runs"), empty(t("task.runs_none"), t("task.runs_hint")));
  return card(t("task.runs"),
    h("div", { class: "corner" },
      hasFailed && button(t("do.retry_all"), again, { kind: "quiet" }),
      h("a", { href: href("runs", { task: id, span: "all" }) }, t("task.runs_all"))),
    strip(task.last_runs),
    h("div", { class: "scroll" }, h("table", {},
      h("thead", {}, h("tr", {}, ["run.status", "run.scheduled", "run.attempts", "run.took",
        "run.http", "run.error"].map((name) => h("th", {}, t(name))),
      h("th", {}, h("span", { class: "hidden" }, t("run.open"))))),
      h("tbody", {}, all.map((each) => runLine(each, reload))))));
}

function definition(task) {
  const { retry, callback } = task;
  const wait = `${duration(retry.min_backoff_seconds)} – ${duration(retry.max_backoff_seconds)}`;
  const isCron = task.type === 1;
  const at = (seconds) => (seconds === null ? null : absolute(seconds));
  return card(t("task.definition"), facts([
    [t("field.misfire"), `${t(`misfire.${task.misfire}`)}, ${
      t("task.window", { time: duration(task.misfire_window_seconds) })}`],
    [t("field.overlap"), t(`overlap.${task.overlap}`)],
    [t("field.delivery"), t(`delivery.${task.delivery}`)],
    [t("field.retry"), t("task.retry", { n: retry.max_attempts, wait,
      age: duration(retry.max_age_seconds) })],
    [t("field.timeout_seconds"), duration(task.timeout_seconds)],
    [t("field.jitter_seconds"), duration(task.jitter_seconds)],
    isCron && [t("field.dst_gap"), t(`dst_gap.${task.dst_gap}`)],
    isCron && [t("field.dst_fold"), t(`dst_fold.${task.dst_fold}`)],
    [t("field.start_time"), at(task.start_time)],
    [t("field.end_time"), at(task.end_time)],
    [t("field.max_runs"), task.max_runs === null ? null : count(task.max_runs)],
    [t("task.created"), absolute(Number(task.create_time))],
    [t("task.version"), count(task.version)],
  ]), h("h3", {}, t("form.callback")),
  h("p", { class: "mono wrap" }, `${callback.method} ${callback.url}`),
  Object.keys(callback.headers).length > 0 && h("pre", {},
    Object.entries(callback.headers).map(([name, value]) => `${name}: ${value}\n`)),
  callback.body !== null && h("pre", {}, typeof callback.body === "string" ? callback.body
    : JSON.stringify(callback.body, null, 2)),
  copyButton(t("copy.callback"), () => callbackCommand(callback, {
    task_id: task.task_id, run_id: `${task.task_id}@0`, scheduled_time: 0,
  })));
}

/** Asks for a preview when the schedule or the next time has changed, and only then. */
function scheduleCard(signal) {
  const place = h("div", {});
  let zone = "task";
  let known = null;
  let found = null;
  let task = null;

  function draw() {
    if (!found) return;
    const own = task.timezone ?? "UTC";
    const zones = [["task", own], ["own", ownZone()], ["utc", "UTC"]]
      .filter(([, name], index, all) => all.findIndex((each) => each[1] === name) === index);
    const shown = { task: own, own: ownZone(), utc: "UTC" }[zone];
    const pick = (option) => {
      zone = option;
      draw();
    };
    fill(place,
      h("p", { class: "words" }, found.description),
      h("p", { class: "mono faint" }, task.type === 1 ? `${task.format} · ${own}` : task.format),
      task.state === "paused" && h("p", { class: "notice" }, t("schedule.paused")),
      choice(t("bar.zone"), zones, zones.some(([name]) => name === zone) ? zone : "task", pick),
      task.state === "finished" ? h("p", { class: "faint" }, t("schedule.never"))
        : fires(found.times, shown, task.end_time));
  }

  return {
    element: card(t("schedule.next"), place),
    async show(next) {
      task = next;
      const { type, format, timezone, next_time: time, state, version } = next;
      const key = JSON.stringify([type, format, timezone, time, state, version]);
      if (key === known) return;
      try {
        found = await preview(next, type === 1 ? FIRES : 1, { signal });
        known = key;
        draw();
      } catch (error) {
        if (signal.aborted) return;
        // A one-shot in the past has no preview; that it is over is said elsewhere.
        if (type === 2) fill(place, h("p", { class: "words" }, absolute(Number(format))));
        else fill(place, errorBox(error));
      }
    },
  };
}

/** Shows the page in `root` until `signal`. */
export default function task(root, query, signal) {
  const id = query.get("id") ?? "";
  const schedule = scheduleCard(signal);
  const top = h("div", {});
  const numbers = h("div", {});
  const last = h("div", {});
  const defined = h("div", {});
  let known = "";
  let isGone = false;

  const missing = (error) => (isGone
    ? empty(t("task.missing", { id }), t("task.missing_hint"), linkButton(t("nav.tasks"), "tasks"))
    : errorBox(error, load));

  async function load() {
    if (isGone) return;
    try {
      const found = await get("queryTask", { task_id: id }, { signal });
      document.title = `${found.name ?? id} · xcron`;
      await schedule.show(found);
      const text = JSON.stringify(found);
      if ((text === known || root.matches(":active")) && root.contains(top)) return;
      known = text;
      refill(top, title(found, load));
      refill(last, runsCard(found, load));
      refill(numbers, counters(found));
      refill(defined, definition(found));
      if (!root.contains(top)) {
        fill(root, top, numbers, h("div", { class: "two wide-left" },
          h("div", {}, last), h("div", {}, schedule.element, defined)));
      }
    } catch (error) {
      isGone = error.status === 404;
      if (!signal.aborted) fill(root, missing(error));
    }
  }

  every(REFRESH_MS, signal, load);
}
