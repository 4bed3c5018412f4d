// What a person has chosen in this browser: theme, language, zone. Tells who listens of a change.

const CHOICES = {
  theme: ["system", "light", "dark"],
  language: ["en", "zh"],
  zone: ["local", "utc"],
};

const listeners = new Set();
const kept = new Map();

function stored(name) {
  try {
    return localStorage.getItem(`xcron.${name}`);
  } catch {
    return null;
  }
}

function initial(name) {
  const value = stored(name);
  if (CHOICES[name].includes(value)) return value;
  const isChinese = name === "language" && navigator.language?.toLowerCase().startsWith("zh");
  return isChinese ? "zh" : CHOICES[name][0];
}

/** The present choice. */
export function setting(name) {
  if (!kept.has(name)) kept.set(name, initial(name));
  return kept.get(name);
}

/** Chooses, remembers and tells. */
export function choose(name, value) {
  kept.set(name, value);
  try {
    localStorage.setItem(`xcron.${name}`, value);
  } catch {
    // Then it is remembered for as long as the page is open.
  }
  for (const listener of listeners) listener(name, value);
}

/** The choice after the present one. */
export function following(name) {
  const all = CHOICES[name];
  return all[(all.indexOf(setting(name)) + 1) % all.length];
}

/** Calls `listener` with every change. */
export function onChoice(listener) {
  listeners.add(listener);
}
