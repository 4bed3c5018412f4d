// Runs of all tasks or of one, the newest first; those that failed for good are the dead letters.

import { get, now, post } from "./api.js";
import { retryAll } from "./actions.js";
import { ask } from "./dialog.js";
import { NARROW, debounce, fill, h } from "./dom.js";
import { count, t } from "./i18n.js";
import { every, forAll } from "./live.js";
import { badge, button, choice, empty, errorBox, linkButton, taskLink } from "./parts.js";
import { note } from "./router.js";
import { rows } from "./rows.js";
import { openRun } from "./run-view.js";
import { say } from "./toast.js";
import { when } from "./time.js";

const PAGE = 1000;
/** The most runs that are shown at a time: beyond it a shorter span has to be chosen. */
const RUNS_MAX = 5_000;
const PAGES_MAX = 12;
const REFRESH_MS = 5_000;
const TYPED_MS = 300;
const RETRIED_AT_ONCE = 6;

const STATUSES = ["", "succeeded", "failed", "unknown", "running", "retrying", "queued",
  "cancelled", "skipped_misfire", "skipped_overlap", "skipped_paused"];
const SPANS = { "15m": 900, "1h": 3600, "24h": 86_400, "7d": 604_800, all: null };

function cells(run) {
  return [
    badge(run.status),
    [taskLink(run.task_id), h("div", { class: "faint small clip", title: run.error },
      run.error ?? "")],
    when(run.scheduled_time),
    when(run.ended_at),
    run.attempt ? t("run.tries", { n: run.attempt }) : h("span", { class: "faint" }, "–"),
    h("span", { class: "mono" }, run.http_status ?? "–"),
    run.count > 1 ? `× ${count(run.count)}`
      : h("span", { class: "faint" }, run.node === null ? "–" : t("run.on_node",
        { node: String(run.node) })),
  ];
}

async function fetchRuns(filters, signal) {
  const seconds = SPANS[filters.span];
  const asked = {
    task_id: filters.task, status: filters.status,
    from: seconds ? Math.floor(now()) - seconds : null, limit: PAGE, consistency: "stale",
  };
  const runs = [];
  let cursor = null;
  for (let page = 0; page < PAGES_MAX && runs.length < RUNS_MAX; page += 1) {
    const answer = await get("listRuns", { ...asked, cursor }, { signal });
    runs.push(...answer.runs);
    cursor = answer.next_cursor;
    if (!cursor) break;
  }
  runs.sort((a, b) => b.scheduled_time - a.scheduled_time || (a.run_id < b.run_id ? 1 : -1));
  return { runs, isWhole: !cursor };
}

function filterBar(filters, isDead, change) {
  const text = h("input", {
    type: "search", value: filters.task, placeholder: t("runs.task"), maxlength: 128,
    "aria-label": t("runs.task"),
    oninput: debounce((event) => change({ task: event.target.value.trim() }), TYPED_MS),
  });
  const pick = (event) => change({ status: event.target.value });
  const statuses = STATUSES.map((status) => {
    const name = status ? t(`status.${status}`) : t("all");
    const option = h("option", { value: status }, name);
    option.selected = status === filters.status;
    return option;
  });
  const spans = Object.keys(SPANS).map((span) => [span, t(`span.${span}`)]);
  return h("div", { class: "filters" }, text,
    !isDead && h("select", { "aria-label": t("run.status"), onchange: pick }, statuses),
    choice(t("runs.span"), spans, filters.span, (span) => change({ span })));
}

/** Retries the runs that are shown, after a word. */
async function retryShown(runs) {
  const n = runs.length;
  const answer = await ask({
    title: t("runs.retry_shown", { n }), body: h("p", {}, t("runs.retry_body")),
    action: t("do.retry"), input: n > 1
      ? { label: t("bulk.type", { n: String(n) }), match: String(n) } : undefined,
  });
  if (answer === null) return false;
  const failed = await forAll(runs, RETRIED_AT_ONCE,
    (run) => post("retryRun", { run_id: run.run_id }));
  say(t("retry.done", { n: n - failed.length }), "ok");
  if (failed.length) {
    say(`${t("bulk.failed", { n: failed.length })} ${failed[0].error.message}`, "bad");
  }
  return true;
}

/** Shows the page in `root` until `signal`; only dead letters if `isDead`. */
export default function runs(root, query, signal, isDead = false) {
  const filters = {
    task: query.get("task") ?? "",
    status: isDead ? "failed" : query.get("status") ?? "",
    span: SPANS[query.get("span")] === undefined ? (isDead ? "all" : "1h") : query.get("span"),
  };
  const narrow = matchMedia(NARROW);
  const place = h("div", { class: "fill" });
  const total = h("span", { class: "faint" });
  const actions = h("span", { class: "actions" });
  let shown = [];
  let turn = 0;
  let open = query.get("run");

  const noted = () => note({ task: filters.task, status: isDead ? null : filters.status,
    span: filters.span, run: open });
  const show = async (run) => {
    open = run.run_id;
    noted();
    await openRun(run, load);
    open = null;
    if (!signal.aborted) noted();
  };
  const list = rows({
    kind: "runs-grid",
    name: t(isDead ? "nav.dead" : "nav.runs"),
    columns: [t("run.status"), t("run.task"), t("run.scheduled"), t("run.ended"),
      t("run.attempts"), t("run.http"), t("run.node")],
    cells,
    key: (run) => run.run_id,
    open: show,
  });

  const nothing = () => {
    if (filters.task) return empty(t("runs.none"), t("runs.none_task"));
    if (isDead) return empty(t("runs.dead_none"), t("runs.dead_hint"));
    return empty(t("runs.none"), t("runs.none_hint"), linkButton(t("nav.tasks"), "tasks"));
  };

  function draw({ runs: found, isWhole }) {
    const old = new Map(shown.map((run) => [run.run_id, run]));
    const same = (run) => {
      const known = old.get(run.run_id);
      return known && JSON.stringify(known) === JSON.stringify(run) ? known : run;
    };
    shown = found.map(same);
    const n = shown.length;
    fill(total, isWhole ? t("runs.shown", { n }) : t("runs.part", { n }));
    const retriable = shown.filter((run) => run.status === "failed");
    const act = async () => {
      if (await retryShown(retriable)) await load();
    };
    const actTask = async () => {
      if (await retryAll(filters.task)) await load();
    };
    if (isDead || filters.status === "failed") {
      fill(actions, retriable.length > 0 && button(
        t("runs.retry_shown", { n: retriable.length }), act, { sign: "runs" }),
      filters.task && button(t("do.retry_all"), actTask));
    } else fill(actions);
    if (!n) fill(place, nothing());
    else if (!place.contains(list.element)) fill(place, list.element);
    list.show(shown, { isWhole });
  }

  async function load() {
    turn += 1;
    const asked = turn;
    try {
      const found = await fetchRuns(filters, signal);
      if (asked === turn) draw(found);
    } catch (error) {
      if (!signal.aborted && asked === turn) fill(place, errorBox(error, load));
    }
  }

  function change(some) {
    Object.assign(filters, some);
    noted();
    list.toTop();
    return load();
  }

  async function openNamed() {
    if (!open) return;
    const task = open.slice(0, open.lastIndexOf("@"));
    const found = shown.find((run) => run.run_id === open)
      ?? (await get("listRuns", { task_id: task, limit: PAGE }, { signal })).runs
        .find((run) => run.run_id === open);
    if (found) show(found);
    else say(t("runs.gone", { id: open }), "bad");
  }

  fill(root, h("div", { class: "title" }, h("h1", {}, t(isDead ? "nav.dead" : "nav.runs")), total,
    h("span", { class: "grow" }), actions),
  isDead && h("p", { class: "faint" }, t("runs.dead_what")),
  filterBar(filters, isDead, change), place);
  narrow.addEventListener("change", () => list.redraw(), { signal });
  let isNew = true;
  every(REFRESH_MS, signal, async () => {
    await load();
    if (isNew) await openNamed();
    isNew = false;
  });
}
