// All tasks: found by text, label, state and type, and changed many at a time.

import { get } from "./api.js";
import { bulk } from "./actions.js";
import { NARROW, debounce, fill, h } from "./dom.js";
import { count, t } from "./i18n.js";
import { every } from "./live.js";
import { badge, button, choice, empty, errorBox, label, linkButton } from "./parts.js";
import { go, href, note } from "./router.js";
import { rows } from "./rows.js";
import { say } from "./toast.js";
import { when } from "./time.js";

const PAGE = 200;
const REFRESH_MS = 5_000;
const REFRESHED_MAX = 100;
const TYPED_MS = 250;
const MARKED_MAX = 10_000;
const LABELS_SHOWN = 3;

const STATES = ["", "active", "paused", "finished"];
const TYPES = ["", "1", "2"];

const byId = (a, b) => (a.task_id < b.task_id ? -1 : 1);

/**
 * Puts a page that began after `after` and ended before `next` in the place of what was there.
 * Lists are in the order of ids, so no page has to be remembered.
 */
export function merged(items, page, after, next) {
  const isOutside = ({ task_id: id }) => id <= after || (next !== null && id > next);
  const old = new Map(items.map((task) => [task.task_id, task]));
  const same = (task) => {
    const known = old.get(task.task_id);
    return known && JSON.stringify(known) === JSON.stringify(task) ? known : task;
  };
  return [...items.filter(isOutside), ...page.map(same)].sort(byId);
}

function cells(task, marked, mark) {
  const { task_id: id, name } = task;
  const toggle = (event) => mark(task, event.target.checked);
  const shown = Object.entries(task.labels).slice(0, LABELS_SHOWN);
  const more = Object.keys(task.labels).length - shown.length;
  return [
    h("input", { type: "checkbox", checked: marked.has(id), onchange: toggle, tabindex: -1,
      "aria-label": t("tasks.mark", { id }) }),
    [h("a", { href: href("task", { id }), class: "name", title: id, tabindex: -1 }, name ?? id),
      name && h("div", { class: "faint mono small clip" }, id)],
    task.type === 1
      ? [h("span", { class: "mono" }, task.format),
        h("div", { class: "faint small" }, task.timezone)]
      : h("span", { class: "faint" }, t("type.2")),
    when(task.next_time),
    [h("span", { class: "ok-text" }, count(task.success_count)), " / ",
      h("span", { class: task.failure_count ? "bad-text" : "faint" }, count(task.failure_count))],
    h("span", { class: "labels" }, shown.map(([key, value]) => label(key, value)),
      more > 0 && h("span", { class: "faint" }, `+${more}`)),
    [badge(task.state), task.open_runs.length > 0 && badge("running")],
  ];
}

class Filters {
  constructor(query) {
    this.q = query.get("q") ?? "";
    this.state = query.get("state") ?? "";
    this.type = query.get("type") ?? "";
    this.label = query.getAll("label");
  }

  get params() {
    const { q, state, type, label: labels } = this;
    return { q, state, type, label: labels };
  }

  get areThere() {
    return Boolean(this.q || this.state || this.type || this.label.length);
  }
}

function filterBar(filters, change) {
  const search = h("input", {
    type: "search", value: filters.q, placeholder: t("tasks.search"), maxlength: 256,
    "aria-label": t("tasks.search"),
    oninput: debounce((event) => change({ q: event.target.value.trim() }), TYPED_MS),
  });
  const add = (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (!text) return;
    if (!text.includes(":")) {
      say(t("label.shape"), "bad");
      return;
    }
    field.value = "";
    change({ label: [...new Set([...filters.label, text])] });
  };
  const field = h("input", { placeholder: t("label.add"), "aria-label": t("label.add"),
    class: "short" });
  const drop = (text) => () => change({ label: filters.label.filter((each) => each !== text) });
  const all = (name, options) => options.map((each) =>
    [each, each ? t(`${name}.${each}`) : t("all")]);
  return h("div", { class: "filters" },
    search,
    choice(t("tasks.state"), all("status", STATES), filters.state, (state) => change({ state })),
    choice(t("tasks.type"), all("type", TYPES), filters.type, (type) => change({ type })),
    h("form", { onsubmit: add }, field),
    filters.label.map((text) => h("button", { class: "label", onclick: drop(text),
      title: t("label.drop") }, text, " ×")));
}

/** Shows the page in `root` until `signal`. */
export default function tasks(root, query, signal) {
  const filters = new Filters(query);
  const marked = new Set();
  const narrow = matchMedia(NARROW);
  let items = [];
  let tail = "";
  let isLoading = false;
  let turn = 0;

  const selection = h("div", { class: "selection", hidden: true });
  const place = h("div", { class: "fill" });
  const filterPlace = h("div", {});
  const total = h("span", { class: "faint" });

  const mark = (task, isMarked) => {
    if (isMarked ?? !marked.has(task.task_id)) marked.add(task.task_id);
    else marked.delete(task.task_id);
    drawSelection();
    list.redraw();
  };
  const list = rows({
    kind: "tasks-grid",
    name: t("nav.tasks"),
    columns: [h("span", { class: "hidden" }, t("tasks.mark_column")), t("tasks.task"),
      t("tasks.schedule"), t("tasks.next"), t("tasks.results"), t("tasks.labels"),
      t("tasks.state")],
    cells: (task) => cells(task, marked, mark),
    key: (task) => task.task_id,
    open: (task) => go("task", { id: task.task_id }),
    mark,
    more: () => load(),
  });

  const fetchPage = (cursor, limit) =>
    get("listTasks", { ...filters.params, cursor, limit }, { signal });

  function draw() {
    const isEmpty = !items.length && tail === null;
    const known = tail === null ? count(items.length) : `${count(items.length)}+`;
    fill(total, t("tasks.shown", { known }));
    if (isEmpty) fill(place, nothing());
    else if (!place.contains(list.element)) fill(place, list.element);
    list.show(items, { isWhole: tail === null });
  }

  const nothing = () => (filters.areThere
    ? empty(t("tasks.none_match"), t("tasks.none_match_hint"),
      linkButton(t("tasks.clear"), "tasks"))
    : empty(t("tasks.none"), t("tasks.none_hint"),
      linkButton(t("nav.new"), "new", {}, { kind: "primary", sign: "plus" })));

  async function load() {
    if (isLoading || tail === null) return;
    isLoading = true;
    const asked = turn;
    try {
      const after = tail;
      const page = await fetchPage(after, PAGE);
      if (asked !== turn) return;
      items = merged(items, page.tasks, after, page.next_cursor);
      tail = page.next_cursor;
      draw();
    } catch (error) {
      if (!signal.aborted && asked === turn) fill(place, errorBox(error, restart));
    } finally {
      if (asked === turn) isLoading = false;
    }
    // A page may be empty and still lead on.
    if (asked === turn && tail !== null && items.length < PAGE && !signal.aborted) load();
  }

  function restart() {
    turn += 1;
    [items, tail, isLoading] = [[], "", false];
    fill(place, list.element);
    list.toTop();
    list.show(items);
    return load();
  }

  function change(some) {
    Object.assign(filters, some);
    note(filters.params);
    marked.clear();
    drawSelection();
    if (!("q" in some)) drawFilters();
    restart();
  }

  const drawFilters = () => fill(filterPlace, filterBar(filters, change));

  async function refresh() {
    const seen = list.sight();
    if (isLoading || !seen.length) return;
    const first = items.indexOf(seen[0]);
    const after = items[first - 1]?.task_id ?? "";
    const asked = turn;
    const page = await fetchPage(after, Math.min(REFRESHED_MAX, seen.length + 20));
    if (asked !== turn || isLoading) return;
    items = merged(items, page.tasks, after, page.next_cursor);
    if (page.next_cursor === null) tail = null;
    draw();
  }

  async function act(what) {
    if (!(await bulk(what, [...marked]))) return;
    marked.clear();
    drawSelection();
    await restart();
  }

  /** Marks all that match, which may be more than has been loaded. */
  async function markAll() {
    const asked = turn;
    while (tail !== null && items.length < MARKED_MAX && asked === turn) {
      isLoading = false;
      await load();
    }
    items.slice(0, MARKED_MAX).forEach((task) => marked.add(task.task_id));
    if (items.length > MARKED_MAX || tail !== null) {
      say(t("tasks.marked_max", { n: MARKED_MAX }), "bad");
    }
    drawSelection();
    list.redraw();
  }

  function clear() {
    marked.clear();
    drawSelection();
    list.redraw();
  }

  function drawSelection() {
    selection.hidden = !marked.size;
    const acts = ["pause", "resume", "run", "delete"];
    fill(selection, h("strong", {}, t("tasks.marked", { n: marked.size })),
      button(t("tasks.mark_all"), markAll, { kind: "quiet" }),
      button(t("tasks.mark_none"), clear, { kind: "quiet" }),
      h("span", { class: "grow" }),
      acts.map((what) => button(t(`do.${what}`), () => act(what),
        { kind: what === "delete" ? "danger" : "" })));
  }

  drawFilters();
  fill(root, h("div", { class: "title" }, h("h1", {}, t("nav.tasks")), total,
    h("span", { class: "grow" }), button(t("tasks.mark_all"), markAll, { kind: "quiet" })),
  filterPlace, selection, place);
  narrow.addEventListener("change", () => list.redraw(), { signal });
  restart();
  every(REFRESH_MS, signal, refresh);
  if (query.get("focus")) root.querySelector("input[type=search]").focus();
}
