// Says what has just happened, at the edge of the page, and lets it go.

import { h } from "./dom.js";

const SHOWN_MS = 6_000;
const BAD_SHOWN_MS = 15_000;
const SHOWN_MAX = 4;

const region = h("div", { class: "toasts", role: "status", "aria-live": "polite" });

/** Where it is said; belongs into the page once. */
export const toasts = () => region;

/** Says how far something long has come, until it is told that it has ended. */
export function progress() {
  const toast = h("div", { class: "toast" });
  region.append(toast);
  return {
    say(text) {
      toast.textContent = text;
    },
    end: () => toast.remove(),
  };
}

/** Says `text`. */
export function say(text, kind = "") {
  const toast = h("div", { class: `toast ${kind}` }, text);
  region.append(toast);
  while (region.childElementCount > SHOWN_MAX) region.firstElementChild.remove();
  const leave = () => toast.remove();
  toast.addEventListener("click", leave);
  setTimeout(leave, kind === "bad" ? BAD_SHOWN_MS : SHOWN_MS);
}
