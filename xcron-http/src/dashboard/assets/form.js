// The fields of a task: filled from a definition, read into one, each with a place for its error.

import { now, parseExact } from "./api.js";
import { fill, h } from "./dom.js";
import { t } from "./i18n.js";
import { button, choice } from "./parts.js";
import { fromLocal, ownZone, toLocal } from "./time.js";

const CHOICES = {
  misfire: ["fire_once", "fire_all", "skip"],
  overlap: ["allow", "skip", "queue"],
  delivery: ["at_least_once", "at_most_once"],
  dst_gap: ["shift", "skip"],
  dst_fold: ["first", "both"],
};
const METHODS = ["POST", "PUT", "PATCH", "GET", "DELETE"];
const BODIES = ["none", "json", "text"];
const NUMBERS = ["misfire_window_seconds", "timeout_seconds", "jitter_seconds", "max_runs"];
const RETRY = {
  max_attempts: 3, min_backoff_seconds: 1, max_backoff_seconds: 300, max_age_seconds: 86_400,
};
const DEFAULTS = { jitter_seconds: 0, timeout_seconds: 10, misfire_window_seconds: 31_536_000 };
const PRESETS = ["* * * * *", "0 * * * *", "0 9 * * *", "0 9 * * MON-FRI", "0 0 1 * *",
  "0 18 L * *"];

const zones = () => ["UTC", ...Intl.supportedValuesOf("timeZone")];

/** Pairs of a text with one `name: value` a line; null and the bad line if there is one. */
function pairs(text, separator) {
  const found = {};
  for (const line of text.split("\n").filter((each) => each.trim())) {
    const at = line.indexOf(separator);
    if (at < 1) return [null, line];
    found[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return [found, null];
}

const lines = (object) =>
  Object.entries(object ?? {}).map(([name, value]) => `${name}: ${value}`).join("\n");

/** The form. `changed` is called whenever the schedule may be another one. */
export class Form {
  constructor(task, mode, changed) {
    this.mode = mode;
    this.changed = changed;
    this.controls = new Map();
    this.errors = new Map();
    this.type = task?.type ?? 1;
    this.element = h("div", { class: "form" });
    this.#build(task ?? {});
    this.begun = mode === "edit" ? this.read().definition : null;
  }

  #field(name, control, { hint, text = t(`field.${name}`) } = {}) {
    const id = `f-${name}`;
    const error = h("span", { class: "field-error", id: `${id}-error`, role: "alert" });
    const told = hint && h("span", { class: "faint small", id: `${id}-hint` }, hint);
    control.id = id;
    const said = [`${id}-error`, hint && `${id}-hint`].filter(Boolean);
    control.setAttribute("aria-describedby", said.join(" "));
    this.controls.set(name, control);
    this.errors.set(name, error);
    return h("div", { class: "field" }, h("label", { for: id }, text), control, told, error);
  }

  #text(name, value, more = {}) {
    const { hint, ...props } = more;
    return this.#field(name, h("input", { value: value ?? "", spellcheck: "false",
      autocomplete: "off", ...props }), { hint });
  }

  #number(name, value, more = {}) {
    const placeholder = DEFAULTS[name] ?? RETRY[name.split(".")[1]] ?? "";
    return this.#text(name, value, { type: "number", min: 0, step: 1, placeholder, ...more });
  }

  #select(name, options, value, word = (each) => t(`${name}.${each}`)) {
    const control = h("select", {}, options.map((each) => {
      const option = h("option", { value: each }, word(each));
      option.selected = each === value;
      return option;
    }));
    return this.#field(name, control);
  }

  #area(name, value, rows, hint) {
    return this.#field(name, h("textarea", { rows, spellcheck: "false", value: value ?? "" }),
      { hint });
  }

  #build(task) {
    const zone = task.timezone ?? (task.type === 2 ? "UTC" : ownZone());
    this.zone = zone;
    fill(this.element,
      this.#section("form.what", this.#what(task)),
      this.#section("form.when", this.#when(task, zone)),
      this.#section("form.callback", this.#callback(task.callback ?? {})),
      h("details", { open: this.mode === "edit" }, h("summary", {}, t("form.policies")),
        this.#policies(task, zone)));
    this.element.addEventListener("input", () => this.changed());
    this.#showType();
  }

  #section = (name, content) =>
    h("fieldset", { class: "card" }, h("legend", {}, t(name)), content);

  #what(task) {
    const isNew = this.mode !== "edit";
    const id = this.mode === "clone" ? "" : task.task_id;
    return [
      h("div", { class: "two" },
        this.#text("name", task.name, { maxlength: 256 }),
        isNew && this.#text("task_id", id, { maxlength: 128, hint: t("hint.task_id") })),
      this.#area("labels", lines(task.labels), 2, t("hint.labels")),
    ];
  }

  #when(task, zone) {
    const isCron = this.type === 1;
    const at = isCron ? Math.ceil(now() / 3600 + 1) * 3600 : Number(task.format);
    const pick = (type) => {
      this.type = Number(type);
      this.#showType();
      this.changed();
    };
    const preset = (format) => button(format, () => {
      this.controls.get("format").value = format;
      this.changed();
    }, { kind: "quiet mono", title: t(`preset.${PRESETS.indexOf(format)}`) });
    const list = h("datalist", { id: "zones" }, 
      zones().map((each) => h("option", { value: each })));
    this.cron = h("div", {}, this.#text("format", isCron ? task.format ?? "0 9 * * MON-FRI" : "",
      { class: "mono", hint: t("hint.format") }), h("div", { class: "actions" },
      PRESETS.map(preset)));
    this.once = this.#text("at", toLocal(at, zone), { type: "datetime-local", step: 1,
      hint: t("hint.at") });
    return [
      choice(t("tasks.type"), [["1", t("type.1")], ["2", t("type.2")]], String(this.type), pick),
      this.cron, this.once,
      this.#text("timezone", zone, { list: "zones", hint: t("hint.timezone") }), list,
    ];
  }

  #showType() {
    const isCron = this.type === 1;
    this.cron.hidden = !isCron;
    this.once.hidden = isCron;
    for (const name of ["dst_gap", "dst_fold"]) {
      this.controls.get(name).closest(".field").hidden = !isCron;
    }
  }

  #callback(callback) {
    const { body } = callback;
    const hasBody = body !== null && body !== undefined;
    const kind = !hasBody ? "none" : typeof body === "string" ? "text" : "json";
    const text = !hasBody ? "" : kind === "text" ? body : JSON.stringify(body, null, 2);
    return [
      h("div", { class: "method" },
        this.#select("callback.method", METHODS, callback.method ?? "POST", (each) => each),
        this.#text("callback.url", callback.url, { type: "url", maxlength: 2048, required: true,
          placeholder: "https://", class: "mono" })),
      this.#area("callback.headers", lines(callback.headers), 2, t("hint.headers")),
      this.#select("body_kind", BODIES, kind),
      this.#area("callback.body", text, 6),
    ];
  }

  #policies(task, zone) {
    const at = (seconds) => (seconds ? toLocal(seconds, zone) : "");
    const time = (name) => this.#text(name, at(task[name]), { type: "datetime-local", step: 1 });
    const chosen = (name) => this.#select(name, CHOICES[name], task[name] ?? CHOICES[name][0]);
    return h("div", { class: "card grid" },
      Object.keys(CHOICES).map(chosen),
      NUMBERS.map((name) => this.#number(name, task[name])),
      Object.keys(RETRY).map((name) => this.#number(`retry.${name}`, task.retry?.[name])),
      time("start_time"), time("end_time"),
      this.mode !== "edit" && this.#select("paused", ["no", "yes"], "no", t));
  }

  value(name) {
    return this.controls.get(name)?.value.trim() ?? "";
  }

  /** The schedule alone, for a preview. */
  schedule() {
    const zone = this.value("timezone") || this.zone;
    const isCron = this.type === 1;
    const at = isCron ? null : this.#instant("at", zone);
    const format = isCron ? this.value("format") : String(at ?? "");
    return {
      type: this.type, format, timezone: isCron ? zone : null,
      dst_gap: this.value("dst_gap"), dst_fold: this.value("dst_fold"),
      start_time: isCron ? this.#instant("start_time", zone) : null,
    };
  }

  #instant(name, zone) {
    const text = this.value(name);
    if (!text) return null;
    try {
      return fromLocal(text, zone);
    } catch {
      return null; // the zone is unknown, which is said at its own field
    }
  }

  /** What is in the fields, and what is wrong with them: names of fields with messages. */
  read() {
    const problems = {};
    const zone = this.value("timezone") || this.zone;
    const number = (name) => (this.value(name) ? Number(this.value(name)) : null);
    const { type, format, timezone } = this.schedule();
    const definition = { type, format, timezone, name: this.value("name") || null };
    for (const name of Object.keys(CHOICES)) definition[name] = this.value(name);
    if (type === 2) {
      delete definition.dst_gap;
      delete definition.dst_fold;
    }
    for (const name of NUMBERS) definition[name] = number(name);
    for (const name of ["start_time", "end_time"]) {
      definition[name] = this.#instant(name, zone);
      // What cannot be told must not pass for what was emptied.
      if (this.value(name) && definition[name] === null) problems.timezone = t("form.bad_zone");
    }
    definition.retry = {};
    for (const name of Object.keys(RETRY)) definition.retry[name] = number(`retry.${name}`);
    const of = (name, separator) => {
      const [found, line] = pairs(this.value(name), separator);
      if (!found) problems[name] = t("form.bad_line", { line });
      return found ?? {};
    };
    definition.labels = of("labels", ":");
    definition.callback = { url: this.value("callback.url"), method: this.value("callback.method"),
      headers: of("callback.headers", ":"), body: this.#body(problems) };
    if (!format) problems[type === 1 ? "format" : "at"] = t("form.missing");
    if (!definition.callback.url) problems["callback.url"] = t("form.missing");
    if (this.mode !== "edit") {
      definition.task_id = this.value("task_id") || null;
      definition.paused = this.value("paused") === "yes";
    }
    return { definition, problems };
  }

  #body(problems) {
    const kind = this.value("body_kind");
    const text = this.controls.get("callback.body").value;
    if (kind === "none") return null;
    if (kind === "text") return text;
    try {
      return parseExact(text);
    } catch (error) {
      problems["callback.body"] = error.message;
      return null;
    }
  }

  /** Shows messages at their fields and answers those that have none here. */
  showProblems(problems) {
    for (const [name, error] of this.errors) {
      error.textContent = problems[name] ?? "";
      this.controls.get(name).setAttribute("aria-invalid", name in problems);
    }
    const known = Object.keys(problems).find((name) => this.errors.has(name));
    if (known) {
      const control = this.controls.get(known);
      const details = control.closest("details");
      if (details) details.open = true;
      control.focus();
    }
    return Object.entries(problems).filter(([name]) => !this.errors.has(name));
  }

  /** The field that the server means by `name`; null if it is none of these. */
  fieldFor(name) {
    if (name === "format" && this.type === 2) return "at";
    for (let part = name; part; part = part.slice(0, Math.max(0, part.lastIndexOf(".")))) {
      if (this.errors.has(part)) return part;
    }
    return null;
  }
}
