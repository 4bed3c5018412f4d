// Puts instants and durations into words, in the chosen zone and language.

import { now } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { setting } from "./settings.js";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const formats = new Map();
const relatives = new Map();

/** The zone of this browser, by name. */
export const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** The zone that times are shown in. */
export const shownZone = () => (setting("zone") === "utc" ? "UTC" : ownZone());

function format(zone) {
  if (!formats.has(zone)) {
    const two = "2-digit";
    const options = {
      timeZone: zone, hourCycle: "h23", timeZoneName: "short", weekday: "short",
      year: "numeric", month: two, day: two, hour: two, minute: two, second: two,
    };
    formats.set(zone, new Intl.DateTimeFormat("en-US", options));
  }
  return formats.get(zone);
}

/** The parts of an instant in a zone: year, month, day, hour, minute, second, zone. */
export function parts(seconds, zone = shownZone()) {
  const found = {};
  for (const { type, value } of format(zone).formatToParts(seconds * 1000)) found[type] = value;
  return { ...found, zone: found.timeZoneName };
}

/** `2026-11-29 20:54:00 CET`. */
export function absolute(seconds, zone) {
  const p = parts(seconds, zone);
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second} ${p.zone}`;
}

/** `20:54:00` today, `11-30 20:54` at another day of this year, else `2027-11-30`. */
export function brief(seconds, zone) {
  const p = parts(seconds, zone);
  const today = parts(now(), zone);
  if (p.year !== today.year) return `${p.year}-${p.month}-${p.day}`;
  const isToday = p.month === today.month && p.day === today.day;
  return isToday
    ? `${p.hour}:${p.minute}:${p.second}`
    : `${p.month}-${p.day} ${p.hour}:${p.minute}`;
}

/** `20:54`. */
export function clock(seconds, zone) {
  const p = parts(seconds, zone);
  return `${p.hour}:${p.minute}`;
}

/** `in 5 min`, `3 hr ago`. */
export function relative(seconds) {
  const language = setting("language");
  if (!relatives.has(language)) {
    const options = { style: "short", numeric: "always" };
    relatives.set(language, new Intl.RelativeTimeFormat(language, options));
  }
  const away = Math.round(seconds - now());
  const far = Math.abs(away);
  if (far < 1) return t("time.now");
  const words = (unit, size) => relatives.get(language).format(Math.trunc(away / size), unit);
  if (far < 90) return words("second", 1);
  if (far < 90 * MINUTE) return words("minute", MINUTE);
  if (far < 36 * HOUR) return words("hour", HOUR);
  return far < 730 * DAY ? words("day", DAY) : words("year", 365 * DAY);
}

/** `850 ms`, `1.2 s`, `5 min`, `3 h`, `2 d`. */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 90 * MINUTE) return `${Math.round(seconds / MINUTE)} min`;
  return seconds < 36 * HOUR ? `${Math.round(seconds / HOUR)} h` : `${Math.round(seconds / DAY)} d`;
}

/** An instant, relative and absolute; it keeps itself up to date. */
export function when(seconds, { zone } = {}) {
  if (seconds === null || seconds === undefined) return h("span", { class: "faint" }, "–");
  const title = absolute(seconds, zone);
  return h("span", { class: "when", title },
    h("time", { datetime: new Date(seconds * 1000).toISOString(), "data-at": seconds },
      relative(seconds)),
    h("span", { class: "faint" }, brief(seconds, zone)));
}

/** Brings what all [`when`] of the page say up to date. */
export function refreshTimes() {
  for (const element of document.querySelectorAll("time[data-at]")) {
    const text = relative(Number(element.dataset.at));
    if (element.textContent !== text) element.textContent = text;
  }
}

/** What a field for local time in `zone` holds, `2026-11-29T20:54:00`. */
export function toLocal(seconds, zone) {
  const p = parts(seconds, zone);
  return `${p.year}-${p.month}-${p.day}T${p.hour}:${p.minute}:${p.second}`;
}

/** The instant that a field for local time in `zone` means; the first of two. */
export function fromLocal(text, zone) {
  const wanted = Date.parse(`${text}${text.length === 16 ? ":00" : ""}Z`) / 1000;
  if (!Number.isFinite(wanted)) return null;
  const offset = (at) => Date.parse(`${toLocal(at, zone)}Z`) / 1000 - at;
  // What the zone is off by differs by the side of a clock change that one asks from.
  const found = [wanted - DAY, wanted + DAY].map((at) => wanted - offset(at));
  return found.find((at) => at + offset(at) === wanted) ?? found[0];
}
