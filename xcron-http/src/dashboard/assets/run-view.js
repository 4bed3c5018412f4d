// Shows one run with its attempts, what it was answered, and what can be done with it.

import { get } from "./api.js";
import { retry } from "./actions.js";
import { callCommand, callbackCommand } from "./curl.js";
import { sheet } from "./dialog.js";
import { h } from "./dom.js";
import { count, t } from "./i18n.js";
import { badge, button, copyButton, facts, taskLink } from "./parts.js";
import { absolute, duration, relative, when } from "./time.js";

/** How long the last attempt of a run took, in seconds; null while it has not ended. */
export function secondsOf(run) {
  const exact = run.attempts?.at(-1)?.latency_ms;
  if (exact !== null && exact !== undefined) return exact / 1000;
  const isOpen = run.ended_at === null || run.started_at === null;
  return isOpen ? null : Math.max(0, run.ended_at - run.started_at);
}

/** The same in words. Without the attempts only whole seconds are known. */
export function tookOf(run) {
  const seconds = secondsOf(run);
  if (seconds === null) return "–";
  return seconds === 0 && !run.attempts?.length ? "< 1 s" : duration(seconds);
}

const both = (at) => (at === null ? null : `${absolute(at)} · ${relative(at)}`);

function attempt(each) {
  const answer = each.response && h("pre", {}, each.response);
  return h("li", {},
    h("div", { class: "line" },
      h("strong", {}, `#${each.attempt}`),
      each.http_status !== null && h("span", { class: "mono" }, `HTTP ${each.http_status}`),
      h("span", { class: "faint" }, t("run.on_node", { node: String(each.node) })),
      when(each.started_at),
      each.latency_ms !== null && h("span", { class: "faint" },
        duration(each.latency_ms / 1000))),
    each.error && h("p", { class: "bad-text" }, each.error), answer);
}

function attempts(run) {
  if (!run.attempts?.length) return null;
  return [h("h3", {}, t("run.attempts")),
    h("ol", { class: "attempts" }, run.attempts.map(attempt))];
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
    attempts(run));
  return shown.closed;
}
