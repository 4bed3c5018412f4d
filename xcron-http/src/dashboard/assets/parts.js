// The small parts that every page is made of: badges, buttons, boxes, labels, fields of filters.

import { askAgain, keepToken } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { again, href } from "./router.js";
import { say } from "./toast.js";

const MARKS = {
  active: "ok", succeeded: "ok", ready: "ok", leader: "accent",
  failed: "bad", unknown: "bad", unreachable: "bad", lost: "bad", not_sent: "dim",
  retrying: "warn", candidate: "warn", queued: "warn", running: "accent",
  paused: "hold", cancelled: "dim", finished: "dim", follower: "dim", learner: "hold",
  skipped_misfire: "dim", skipped_overlap: "dim", skipped_paused: "dim",
};

/** A state or status as a word with a colour. */
export const badge = (name) =>
  h("span", { class: `badge ${MARKS[name] ?? "dim"}` }, t(`status.${name}`));

/** A button; while its work is under way it cannot be pressed again. */
export function button(text, act, { kind = "", sign, title, type = "button" } = {}) {
  const press = async (event) => {
    element.disabled = true;
    try {
      await act(event);
    } finally {
      element.disabled = false;
    }
  };
  const element = h("button", { type, class: kind, title, onclick: act && press },
    sign && icon(sign), text && h("span", {}, text));
  if (!text && title) element.setAttribute("aria-label", title);
  return element;
}

/** A link to a page that looks like a button. */
export const linkButton = (text, page, params, { kind = "", sign } = {}) =>
  h("a", { class: `button ${kind}`, href: href(page, params) }, sign && icon(sign),
    h("span", {}, text));

/** A link to a task. */
export const taskLink = (id, text = id) =>
  h("a", { href: href("task", { id }), class: "name", title: id }, text);

/** A label of a task as a link to all tasks that have it. */
export const label = (key, value) =>
  h("a", { class: "label", href: href("tasks", { label: `${key}:${value}` }),
    title: t("label.filter") }, h("span", { class: "faint" }, key), value);

/** A part of a page with a heading. */
export const card = (title, ...children) =>
  h("section", { class: "card" }, title && h("h2", {}, title), children);

/** What stands where there is nothing, and what to do about it. */
export const empty = (title, hint, ...actions) =>
  h("div", { class: "empty" }, h("p", { class: "strong" }, title),
    hint && h("p", { class: "faint" }, hint), actions);

/** What went wrong, in the server's own words, with a way to try again. */
export function errorBox(error, retry = again) {
  const id = error.id && h("p", { class: "faint small" }, t("error.request", { id: error.id }));
  const isRole = error.status === 403;
  const other = () => {
    keepToken(null);
    again();
  };
  const anew = () => {
    askAgain();
    return retry();
  };
  return h("div", { class: "error", role: "alert" },
    h("p", { class: "strong" }, errorTitle(error)),
    h("p", {}, error.message), id,
    h("div", { class: "actions" },
      button(t("error.retry"), anew),
      isRole && button(t("token.other"), other)));
}

function errorTitle(error) {
  if (error.status === 401) return t("error.signed_out");
  if (error.status === 403) return t("error.forbidden");
  if (error.status === 404) return t("error.missing");
  if (error.status === 409) return t("error.conflict");
  if (!error.status) return t("error.unreachable");
  return error.status >= 500 ? t("error.server") : t("error.refused");
}

/** Says that an action failed and whether it may have been done. */
export function sayError(error) {
  const doubt = error.effect === "unknown" ? ` ${t("error.unknown_effect")}` : "";
  say(`${errorTitle(error)}: ${error.message}${doubt}`, "bad");
}

/** Does `act` and says what came of it. */
export async function doing(act, done) {
  try {
    const result = await act();
    say(typeof done === "function" ? done(result) : done, "ok");
    return true;
  } catch (error) {
    sayError(error);
    return false;
  }
}

/** A choice of one of a few, as a row of buttons. */
export function choice(name, options, value, change) {
  const pick = (option) => (event) => {
    if (event.target.checked) change(option);
  };
  return h("fieldset", { class: "choice" }, h("legend", { class: "hidden" }, name),
    options.map(([option, text]) => h("label", {},
      h("input", { type: "radio", name, checked: option === value, onchange: pick(option) }),
      h("span", {}, text))));
}

/** A button that puts a text into the clipboard. */
export function copyButton(text, make) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(await make());
      say(t("copy.done"), "ok");
    } catch (error) {
      sayError(error);
    }
  };
  return button(text, copy, { sign: "copy", kind: "quiet" });
}

/** Names and values, one line each. */
export const facts = (entries, kind = "") =>
  h("dl", { class: `facts ${kind}` }, entries.filter(Boolean).map(([name, value]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, value ?? "–"))));
