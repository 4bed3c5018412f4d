// Asks before something is done, and shows what is too long for a row.

import { h } from "./dom.js";
import { t } from "./i18n.js";
import { button } from "./parts.js";

function open(dialog) {
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
}

/**
 * Asks whether to go on. With `input` it asks for a text too, and with `input.match` only that
 * text will do. Answers null for no, else the text.
 */
export async function ask({ title, body, action, isDangerous, input }) {
  const field = input && h("input", {
    type: input.type ?? "text", value: input.value ?? "", maxlength: input.max,
    autocomplete: "off", spellcheck: "false", placeholder: input.placeholder,
  });
  const yes = button(action, null, { type: "submit", kind: isDangerous ? "danger" : "primary" });
  const look = () => {
    yes.disabled = Boolean(input?.match) && field.value !== input.match;
  };
  field?.addEventListener("input", look);
  const submit = (event) => {
    event.preventDefault();
    if (!yes.disabled) dialog.close("yes");
  };
  const dialog = h("dialog", { "aria-label": title },
    h("form", { method: "dialog", onsubmit: submit },
      h("h2", {}, title),
      h("div", { class: "stack" }, body),
      field && h("label", { class: "field" }, h("span", {}, input.label), field),
      h("div", { class: "actions end" },
        button(t("dialog.cancel"), () => dialog.close("")), yes)));
  const answer = open(dialog);
  look();
  if (!field && isDangerous) dialog.querySelector("button").focus();
  return (await answer) === "yes" ? field?.value ?? "" : null;
}

/** Closes what is shown beside a page that is left. */
export function closeSheets() {
  document.querySelectorAll("dialog.sheet[open]").forEach((dialog) => dialog.close());
}

/** Shows `content` beside the page until it is closed. */
export function sheet(title, ...content) {
  const close = button("", () => dialog.close(), {
    sign: "cross", kind: "quiet", title: t("dialog.close"),
  });
  const dialog = h("dialog", { class: "sheet", "aria-label": title },
    h("header", {}, h("h2", {}, title), close), content);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  const closed = open(dialog);
  return { close: () => dialog.close(), closed };
}
