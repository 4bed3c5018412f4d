// The account: what the schedules had, against what became of it. The difference has to be 0.

import { get, now } from "./api.js";
import { fill, h } from "./dom.js";
import { count, t } from "./i18n.js";
import { card, choice, empty, errorBox, facts, taskLink } from "./parts.js";
import { note } from "./router.js";
import { absolute } from "./time.js";

const SPANS = { "1h": 3600, "24h": 86_400, "7d": 604_800, all: null };
const DETAILS = 200;
const PAGES_MAX = 100;
const OUTCOMES = ["succeeded", "failed", "unknown", "cancelled", "skipped_misfire",
  "skipped_overlap", "skipped_paused", "unlisted"];

/** Adds up all pages of tasks. */
async function total(asked, signal) {
  const sum = { expected: 0, pending: 0, difference: 0, tasks: 0, unreadable: 0, outcomes: {} };
  let cursor = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const found = await get("audit", { ...asked, cursor }, { signal });
    for (const name of ["expected", "pending", "difference", "tasks", "unreadable"]) {
      sum[name] += found[name] ?? 0;
    }
    for (const name of OUTCOMES) {
      sum.outcomes[name] = (sum.outcomes[name] ?? 0) + (found.outcomes[name] ?? 0);
    }
    cursor = found.next_cursor;
    if (!cursor) return { ...sum, isWhole: true };
  }
  return { ...sum, isWhole: false };
}

function verdict(sum) {
  const isGood = sum.difference === 0;
  return h("div", { class: `verdict ${isGood ? "good" : "bad"}` },
    h("strong", {}, count(sum.difference)),
    h("div", {}, h("p", { class: "strong" }, t(isGood ? "audit.good" : "audit.bad")),
      h("p", { class: "faint" }, t("audit.what"))));
}

function outcomeTable(sum) {
  const line = (name, n) => {
    const filled = h("i", { class: name });
    filled.style.width = `${sum.expected ? Math.min(100, (n / sum.expected) * 100) : 0}%`;
    return h("tr", {}, h("td", {}, t(`status.${name}`)),
      h("td", { class: "end mono" }, count(n)),
      h("td", { class: "meter-cell" }, h("span", { class: "track" }, filled)));
  };
  return h("table", { class: "tight" }, h("tbody", {},
    h("tr", { class: "strong" }, h("td", {}, t("audit.expected")),
      h("td", { class: "end mono" }, count(sum.expected)), h("td")),
    OUTCOMES.map((name) => line(name, sum.outcomes[name])),
    line("pending", sum.pending)));
}

function detailTable(details) {
  if (!details.length) return empty(t("audit.none"), t("tasks.none_hint"));
  const worst = details.toSorted((a, b) => Math.abs(b.difference) - Math.abs(a.difference));
  const sum = (each, names) => names.reduce((all, name) => all + (each.outcomes[name] ?? 0), 0);
  const head = ["tasks.task", "audit.expected", "status.succeeded", "status.failed",
    "status.skipped", "status.unlisted", "status.pending", "audit.difference"];
  return h("div", { class: "scroll" }, h("table", { class: "tight" },
    h("thead", {}, h("tr", {}, head.map((name, index) =>
      h("th", { class: index ? "end" : "" }, t(name))))),
    h("tbody", {}, worst.map((each) => h("tr", {},
      h("td", {}, taskLink(each.task_id)),
      [each.expected, sum(each, ["succeeded"]), sum(each, ["failed", "unknown"]),
        sum(each, ["skipped_misfire", "skipped_overlap", "skipped_paused"]),
        sum(each, ["unlisted"]), each.pending]
        .map((n) => h("td", { class: "end mono" }, count(n))),
      h("td", { class: `end mono ${each.difference ? "bad-text strong" : "ok-text"}` },
        count(each.difference)))))));
}

/** Shows the page in `root` until `signal`. */
export default function audit(root, query, signal) {
  let span = SPANS[query.get("span")] === undefined ? "24h" : query.get("span");
  let task = query.get("task") ?? "";
  let turn = 0;
  const place = h("div", {});

  async function load() {
    turn += 1;
    const mine = turn;
    const to = Math.floor(now());
    const from = SPANS[span] === null ? null : to - SPANS[span];
    const asked = { from, to, task_id: task };
    fill(place, h("p", { class: "faint" }, t("loading")));
    try {
      const sum = await total(asked, signal);
      const detailed = task ? null
        : await get("audit", { ...asked, detail: true, limit: DETAILS }, { signal });
      if (mine !== turn) return;
      const begin = from === null ? "–" : absolute(from);
      const said = t("audit.span", { from: begin, to: absolute(to) });
      fill(place, verdict(sum),
        !sum.isWhole && h("p", { class: "notice" }, t("audit.part", { n: sum.tasks })),
        sum.unreadable > 0 && h("p", { class: "notice" },
          t("audit.unreadable", { n: sum.unreadable })),
        card(t("audit.outcomes"), outcomeTable(sum),
          facts([[t("audit.tasks"), count(sum.tasks)], [t("audit.of"), said]])),
        detailed && card(t("audit.by_task"), detailTable(detailed.details),
          detailed.next_cursor && h("p", { class: "faint" }, t("audit.first", { n: DETAILS }))));
    } catch (error) {
      if (!signal.aborted && mine === turn) fill(place, errorBox(error, load));
    }
  }

  const change = (some) => {
    ({ span, task } = { span, task, ...some });
    note({ span, task });
    load();
  };
  const field = h("input", { type: "search", value: task, placeholder: t("runs.task"),
    "aria-label": t("runs.task"), maxlength: 128,
    onchange: (event) => change({ task: event.target.value.trim() }) });
  const spans = Object.keys(SPANS).map((each) => [each, t(`span.${each}`)]);
  fill(root, h("h1", {}, t("nav.audit")), h("div", { class: "filters" }, field,
    choice(t("runs.span"), spans, span, (option) => change({ span: option }))), place);
  load();
}
