// A new task, a copy of one, or a change of one, with a preview of its schedule beside it.

import { get, post } from "./api.js";
import { debounce, fill, h } from "./dom.js";
import { t } from "./i18n.js";
import { Form } from "./form.js";
import { button, card, choice, errorBox, linkButton } from "./parts.js";
import { go, place } from "./router.js";
import { fires, preview } from "./schedule.js";
import { ownZone } from "./time.js";
import { say } from "./toast.js";

const TYPED_MS = 300;
const FIRES = 10;

const same = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** What of `next` differs from `begun`; what was emptied is null, so that its default holds. */
function changes(begun, next) {
  const isPart = (name) => ["callback", "retry"].includes(name);
  const changed = Object.entries(next).filter(([name, value]) => !same(value, begun[name]));
  return Object.fromEntries(changed.map(([name, value]) =>
    [name, isPart(name) ? changes(begun[name], value) : value]));
}

/** What was left empty is left out, so that the server's defaults hold. */
function withoutNulls(value) {
  const kept = Object.entries(value).filter(([, each]) => each !== null);
  return Object.fromEntries(kept.map(([name, each]) =>
    [name, name === "retry" || name === "callback" ? withoutNulls(each) : each]));
}

function previewCard(signal) {
  const shown = h("div", { "aria-live": "polite" });
  let zone = "task";
  let last = null;
  const draw = () => {
    if (!last) return;
    const { found, schedule } = last;
    const own = schedule.timezone ?? ownZone();
    const pick = (option) => {
      zone = option;
      draw();
    };
    const zones = [["task", own], ["utc", "UTC"]];
    fill(shown, h("p", { class: "words" }, found.description),
      own !== "UTC" && choice(t("bar.zone"), zones, zone, pick),
      fires(found.times, zone === "utc" ? "UTC" : own));
  };
  return {
    element: card(t("form.preview"), shown),
    /** Shows when `schedule` fires; answers the server's refusal, if it is one. */
    async show(schedule) {
      last = null;
      if (!schedule.format) {
        fill(shown, h("p", { class: "faint" }, t("form.preview_none")));
        return null;
      }
      try {
        const found = await preview(schedule, schedule.type === 1 ? FIRES : 1, { signal });
        last = { found, schedule };
        draw();
        return null;
      } catch (error) {
        if (signal.aborted) return null;
        fill(shown, h("p", { class: "faint" }, t("form.preview_bad")));
        return error;
      }
    },
  };
}

function editor(root, task, mode, signal) {
  const told = h("div", {});
  const view = previewCard(signal);
  let turn = 0;
  const look = async () => {
    turn += 1;
    const asked = turn;
    const refused = await view.show(form.schedule());
    if (asked !== turn) return;
    const name = refused && form.fieldFor(refused.field ?? "");
    for (const field of ["format", "at", "timezone"]) {
      const message = name === field ? refused.message : "";
      form.errors.get(field).textContent = message;
      form.controls.get(field).setAttribute("aria-invalid", Boolean(message));
    }
    if (refused && !name) fill(told, errorBox(refused, look));
  };
  const form = new Form(task, mode, debounce(look, TYPED_MS));

  function refuse(error) {
    const name = form.fieldFor(error.field ?? "");
    if (name) form.showProblems({ [name]: error.message });
    else fill(told, errorBox(error, save));
  }

  async function save() {
    const { definition, problems } = form.read();
    const isEdit = mode === "edit";
    const sent = isEdit ? changes(form.begun, definition) : withoutNulls(definition);
    fill(told);
    form.showProblems(problems);
    if (Object.keys(problems).length) return;
    if (isEdit && !Object.keys(sent).length) {
      say(t("form.unchanged"));
      return;
    }
    try {
      if (isEdit) {
        // A schedule is sent whole: its parts mean nothing without each other.
        const { type, format, timezone } = definition;
        const isOther = ["type", "format", "timezone"].some((name) => name in sent);
        const schedule = isOther ? { type, format, timezone } : {};
        const { task_id: id, version } = task;
        await post("updateTask", { ...sent, ...schedule, task_id: id, version });
        say(t("form.saved"), "ok");
        go("task", { id });
      } else {
        const { task_id: id } = await post("createTask", sent);
        say(t("form.created"), "ok");
        go("task", { id });
      }
    } catch (error) {
      refuse(error);
    }
  }

  const submit = (event) => {
    event.preventDefault();
    return save();
  };
  const back = mode === "edit" ? ["task", { id: task.task_id }] : ["tasks", {}];
  fill(root, h("h1", {}, t(`form.title_${mode}`, { id: task?.task_id })),
    h("form", { onsubmit: submit, novalidate: true, class: "two wide-left" },
      h("div", {}, form.element, told, h("div", { class: "actions end" },
        linkButton(t("dialog.cancel"), ...back),
        button(t(mode === "edit" ? "form.save" : "form.create"), null,
          { kind: "primary", type: "submit" }))),
      h("div", { class: "sticky" }, view.element)));
  look();
}

/** Shows the page in `root` until `signal`. */
export default async function edit(root, query, signal) {
  const mode = place().page;
  const id = query.get("id");
  if (mode === "new" || !id) {
    editor(root, null, "new", signal);
    return;
  }
  try {
    const task = await get("queryTask", { task_id: id }, { signal });
    editor(root, task, mode, signal);
  } catch (error) {
    if (!signal.aborted) fill(root, errorBox(error));
  }
}
