// Works out how many runs each minute of the coming day will have, from what the API previews.

import { get } from "./api.js";
import { forAll } from "./live.js";
import { preview } from "./schedule.js";

const DAY = 86_400;
const MINUTE = 60;
const PAGE = 1000;
const TIMES = 100;
const AT_ONCE = 6;
/** The most tasks that are looked at, and the most previews that are asked for. */
const TASKS_MAX = 5_000;
const PREVIEWS_MAX = 600;
/** A schedule that fires more often than this many seconds apart is drawn with an even rate. */
const DENSE_SECONDS = 60;

/** All active tasks that are due within a day of `from`. */
async function dueTasks(from, signal) {
  const tasks = [];
  let cursor = null;
  do {
    const asked = { due_before: from + DAY, limit: PAGE, cursor, consistency: "stale" };
    const page = await get("listTasks", asked, { signal });
    tasks.push(...page.tasks);
    cursor = page.next_cursor;
  } while (cursor && tasks.length < TASKS_MAX);
  return { tasks, isWhole: !cursor };
}

/** Tasks that fire at the same times, those most shared first. */
function grouped(tasks) {
  const groups = new Map();
  for (const task of tasks) {
    const { format, timezone, dst_gap: gap, dst_fold: fold, start_time, end_time } = task;
    const key = JSON.stringify([format, timezone, gap, fold, start_time, end_time]);
    if (!groups.has(key)) groups.set(key, { task, tasks: [] });
    groups.get(key).tasks.push(task);
  }
  return [...groups.values()].sort((a, b) => b.tasks.length - a.tasks.length);
}

class Forecast {
  constructor(from) {
    this.from = from;
    this.minutes = Array.from({ length: DAY / MINUTE }, () => ({ n: 0, groups: new Set() }));
    this.previews = 0;
    this.even = 0;
    this.left = 0;
  }

  add(at, group, share = 1) {
    const minute = this.minutes[Math.floor((at - this.from) / MINUTE)];
    if (!minute) return;
    minute.n += group.tasks.length * share;
    minute.groups.add(group);
  }

  /** Draws a dense schedule with the rate of its first times. */
  spread(times, group, end) {
    this.even += group.tasks.length;
    const apart = (times.at(-1) - times[0]) / (times.length - 1);
    for (let at = Math.max(times[0], this.from); at < end; at += MINUTE) {
      this.add(at, group, MINUTE / apart);
    }
  }

  async expand(group, signal) {
    const { task } = group;
    const end = Math.min(this.from + DAY, (task.end_time ?? Infinity) + 1);
    let from = Math.max(this.from, task.start_time ?? 0);
    while (from < end) {
      if (this.previews >= PREVIEWS_MAX) {
        this.left += group.tasks.length;
        return;
      }
      this.previews += 1;
      const asked = { ...task, start_time: from };
      const times = (await preview(asked, TIMES, { signal })).times.map(({ time }) => time);
      if (!times.length) return;
      if (times.length > 1 && times.at(-1) - times[0] < (times.length - 1) * DENSE_SECONDS) {
        this.spread(times, group, end);
        return;
      }
      times.filter((at) => at < end).forEach((at) => this.add(at, group));
      if (times.length < TIMES) return;
      from = times.at(-1) + 1;
    }
  }
}

/** The forecast from `from`, a whole minute, on; `drawn` is called with it as it grows. */
export async function forecast(from, signal, drawn) {
  const { tasks, isWhole } = await dueTasks(from, signal);
  const found = Object.assign(new Forecast(from), { tasks: tasks.length, isWhole });
  for (const task of tasks.filter(({ type }) => type === 2)) {
    found.add(task.next_time, { task, tasks: [task] });
  }
  const groups = grouped(tasks.filter(({ type }) => type === 1));
  drawn(found);
  const failed = await forAll(groups, AT_ONCE, async (group) => {
    await found.expand(group, signal);
    drawn(found);
  });
  if (failed.length) throw failed[0].error;
  return found;
}
