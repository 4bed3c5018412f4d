// What can be done with a task or with many, each after a word with the person who asks for it.

import { post } from "./api.js";
import { ask } from "./dialog.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { forAll } from "./live.js";
import { doing } from "./parts.js";
import { progress, say } from "./toast.js";

const AT_ONCE = 6;
const BATCH_MAX = 1000;
const NOTE_MAX = 256;
const FAILURES_SHOWN = 5;

/** Pauses a task, with a note on why. */
export async function pause(id) {
  const note = await ask({
    title: t("pause.title", { id }), body: h("p", {}, t("pause.body")), action: t("do.pause"),
    input: { label: t("pause.note"), max: NOTE_MAX, placeholder: t("pause.example") },
  });
  if (note === null) return false;
  return doing(() => post("pauseTask", { task_id: id, note: note || null }), t("pause.done"));
}

/** Lets a paused task go on. */
export const resume = (id) =>
  doing(() => post("resumeTask", { task_id: id }), t("resume.done"));

/** Runs a task once, now. */
export async function run(id) {
  const answer = await ask({
    title: t("run.title", { id }), body: h("p", {}, t("run.body")), action: t("do.run"),
  });
  if (answer === null) return false;
  return doing(() => post("triggerTask", { task_id: id }),
    ({ run_id: run_id }) => t("run.done", { id: run_id }));
}

/** Deletes a task whose id was typed. */
export async function remove(id) {
  const answer = await ask({
    title: t("delete.title", { id }), body: h("p", {}, t("delete.body")), action: t("do.delete"),
    isDangerous: true, input: { label: t("delete.type", { id }), match: id },
  });
  if (answer === null) return false;
  return doing(() => post("deleteTask", { task_id: id }), t("delete.done", { n: 1 }));
}

/** Attempts a failed run again. */
export const retry = (id) =>
  doing(() => post("retryRun", { run_id: id }), t("retry.done", { n: 1 }));

/** Attempts all failed runs of a task again. */
export async function retryAll(id) {
  const answer = await ask({
    title: t("retry.title", { id }), body: h("p", {}, t("retry.body")), action: t("do.retry_all"),
  });
  if (answer === null) return false;
  return doing(() => post("retryRun", { task_id: id, status: "failed" }),
    ({ run_ids: ids }) => t("retry.done", { n: ids.length }));
}

function tell(key, asked, failed) {
  const n = asked - failed.length;
  if (n) say(t(key, { n }), "ok");
  if (!failed.length) return;
  const reasons = failed.slice(0, FAILURES_SHOWN)
    .map(({ item, error }) => `${item}: ${error.message}`);
  say(`${t("bulk.failed", { n: failed.length })} ${reasons.join(" · ")}`, "bad");
}

async function oneByOne(ids, call, done, extra = {}) {
  const shown = progress();
  let count = 0;
  const failed = await forAll(ids, AT_ONCE, async (id) => {
    await post(call, { task_id: id, ...extra });
    count += 1;
    shown.say(t("bulk.progress", { count, all: ids.length }));
  });
  shown.end();
  tell(done, ids.length, failed);
}

async function deleteAll(ids) {
  const failed = [];
  for (let first = 0; first < ids.length; first += BATCH_MAX) {
    const batch = ids.slice(first, first + BATCH_MAX);
    try {
      const { results } = await post("deleteTasks", { task_ids: batch });
      results.forEach((result, index) => {
        if (result.code) failed.push({ item: batch[index], error: result });
      });
    } catch (error) {
      failed.push(...batch.map((item) => ({ item, error })));
    }
  }
  tell("delete.done", ids.length, failed);
}

/** Does `what` (pause, resume, run, delete) with many tasks. */
export async function bulk(what, ids) {
  const n = ids.length;
  const isDelete = what === "delete";
  const named = ids.slice(0, FAILURES_SHOWN).join(", ") + (n > FAILURES_SHOWN ? ", …" : "");
  const answer = await ask({
    title: t(`bulk.${what}`, { n }),
    body: [h("p", { class: "mono small" }, named), h("p", {}, t(`bulk.${what}_body`))],
    action: t(`bulk.${what}`, { n }),
    isDangerous: isDelete,
    input: isDelete ? { label: t("bulk.type", { n: String(n) }), match: String(n) }
      : what === "pause" ? { label: t("pause.note"), max: NOTE_MAX } : undefined,
  });
  if (answer === null) return false;
  if (isDelete) await deleteAll(ids);
  else if (what === "pause") {
    await oneByOne(ids, "pauseTask", "bulk.paused", { note: answer || null });
  } else if (what === "resume") await oneByOne(ids, "resumeTask", "bulk.resumed");
  else await oneByOne(ids, "triggerTask", "bulk.ran");
  return true;
}
