// Finds a text in the chosen language and puts values into it.

import en from "./en.js";
import zh from "./zh.js";
import { setting } from "./settings.js";

const TABLES = { en, zh };
const numbers = new Map();

/** A number as the language writes it. */
export function count(value) {
  const language = setting("language");
  if (!numbers.has(language)) numbers.set(language, new Intl.NumberFormat(language));
  return numbers.get(language).format(value);
}

/**
 * The text named `key`. `{name}` in it becomes `values.name`; of two forms parted by `|` the
 * first is for `values.n` being 1.
 */
export function t(key, values = {}) {
  const text = TABLES[setting("language")][key] ?? key;
  const forms = text.split("|");
  const form = forms.length === 2 && values.n !== 1 ? forms[1] : forms[0];
  return form.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name] ?? "";
    return typeof value === "number" ? count(value) : value;
  });
}
