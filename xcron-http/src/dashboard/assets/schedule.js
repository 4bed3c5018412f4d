// Shows a schedule: in words, and when it fires next, with marks where clocks change.

import { get, now } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { absolute, parts, relative } from "./time.js";

/** What the server says of a schedule: `{description, times}`. */
export function preview(task, count, options) {
  const { type, format, timezone, dst_gap: gap, dst_fold: fold, start_time: start } = task;
  const isCron = type === 1;
  return get("previewSchedule", {
    type, format, count,
    timezone: isCron ? timezone : null,
    dst_gap: isCron ? gap : null,
    dst_fold: isCron ? fold : null,
    from: isCron && start > now() ? start : null,
  }, options);
}

function line(fire, zone) {
  const at = fire.time;
  return h("tr", {},
    h("td", { class: "mono nowrap" }, parts(at, zone).weekday, " ", absolute(at, zone)),
    h("td", { class: "faint nowrap" },
      h("time", { datetime: new Date(at * 1000).toISOString(), "data-at": at }, relative(at))),
    h("td", {}, fire.dst && h("span", { class: "badge warn", title: t(`dst.${fire.dst}_hint`) },
      t(`dst.${fire.dst}`))));
}

/** A table of the next fires in `zone`, those after `end` left out. */
export function fires(times, zone, end = null) {
  const shown = times.filter(({ time }) => end === null || time <= end);
  if (!shown.length) return h("p", { class: "faint" }, t("schedule.never"));
  return h("table", { class: "tight" }, h("tbody", {}, shown.map((fire) => line(fire, zone))));
}
