// Shows one run with its attempts, what it was answered, and what can be done with it.

import { get } from "./api.js";
import { retry } from "./actions.js";
import { callCommand, callbackCommand } from "./curl.js";
import { sheet } from "./dialog.js";
import { fill, h } from "./dom.js";
import { count, t } from "./i18n.js";
import { badge, button, copyButton, errorBox, facts, taskLink } from "./parts.js";
import { absolute, duration, relative, when } from "./time.js";

/** How long the last attempt of a run took, in whole seconds; null while it has not ended. */
export function secondsOf(run) {
  const isOpen = run.ended_at === null || run.started_at === null;
  return isOpen ? null : Math.max(0, run.ended_at - run.started_at);
}

/** The same in words. */
export function tookOf(run) {
  const seconds = secondsOf(run);
  if (seconds === null) return "–";
  return seconds === 0 ? "< 1 s" : duration(seconds);
}

const both = (at) => (at === null ? null : `${absolute(at)} · ${relative(at)}`);

function attempt(each) {
  const answer = each.response && h("pre", {}, each.response);
  return h("li", {},
    h("div", { class: "line" },
      h("strong", {}, `#${each.attempt}`), badge(each.status),
      each.http_status !== null && h("span", { class: "mono" }, `HTTP ${each.http_status}`),
      h("span", { class: "faint" }, t("run.on_node", { node: String(each.node) })),
      when(each.started_at),
      each.latency_ms !== null && h("span", { class: "faint" },
        duration(each.latency_ms / 1000))),
    each.error && h("p", { class: "bad-text" }, each.error), answer);
}

/** The attempts of a run one by one, which are asked for only when somebody looks. */
async function attempts({ task_id: task, run_id: id, scheduled_time: at }) {
  const asked = { task_id: task, from: at, to: at + 1, attempts: true };
  const { runs } = await get("listRuns", asked);
  const made = runs.find((run) => run.run_id === id)?.attempts ?? [];
  return made.length > 0 && [h("h3", {}, t("run.attempts")),
    h("ol", { class: "attempts" }, made.map(attempt))];
}

const callbackOf = async (run) => {
  const task = await get("queryTask", { task_id: run.task_id });
  return callbackCommand(task.callback, run);
};

/** Opens a run; `changed` is called when it was retried. Resolves when it is closed. */
export function openRun(run, changed) {
  const again = async () => {
    if (!(await retry(run.run_id))) return;
    shown.close();
    changed?.();
  };
  const body = { run_id: run.run_id };
  const place = h("div", { class: "stack" });
  const shown = sheet(t("run.name"),
    h("p", { class: "mono wrap" }, run.run_id),
    h("div", { class: "actions" },
      run.status === "failed" && button(t("do.retry"), again, { kind: "primary", sign: "runs" }),
      copyButton(t("copy.callback"), () => callbackOf(run)),
      run.status === "failed" && copyButton(t("copy.retry"), () => callCommand("retryRun", body))),
    facts([
      [t("run.status"), badge(run.status)],
      [t("run.task"), taskLink(run.task_id)],
      [t("run.scheduled"), both(run.scheduled_time)],
      [t("run.started"), both(run.started_at)],
      [t("run.ended"), both(run.ended_at)],
      [t("run.took"), tookOf(run)],
      [t("run.attempt"), count(run.attempt)],
      run.count > 1 && [t("run.count"), count(run.count)],
      [t("run.http"), run.http_status === null ? null : String(run.http_status)],
      [t("run.node"), run.node === null ? null : String(run.node)],
    ]),
    run.error && [h("h3", {}, t("run.error")), h("pre", {}, run.error)],
    place);
  attempts(run).then((made) => fill(place, made), (error) => fill(place, errorBox(error)));
  return shown.closed;
}
