// Puts the frame around the pages: navigation, choices, keys, the state of the server.

import { askAgain, askTokenBy, keepToken, notReady, token } from "./api.js";
import { ask, closeSheets, sheet } from "./dialog.js";
import { fill, h, refocus } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { every } from "./live.js";
import { latest, sample, value } from "./metrics.js";
import audit from "./page-audit.js";
import cluster from "./page-cluster.js";
import edit from "./page-edit.js";
import overview from "./page-overview.js";
import runs from "./page-runs.js";
import task from "./page-task.js";
import tasks from "./page-tasks.js";
import timeline from "./page-timeline.js";
import { button, empty, facts, linkButton } from "./parts.js";
import { again, go, href, place, startRouter } from "./router.js";
import { choose, following, onChoice, setting } from "./settings.js";
import { ownZone, refreshTimes } from "./time.js";
import { toasts } from "./toast.js";

const SAMPLE_MS = 2_000;
const READY_MS = 5_000;

const PAGES = {
  overview, tasks, task, runs, timeline, cluster, audit,
  dead: (...given) => runs(...given, true),
  new: edit, edit, clone: edit,
};
const MENU = ["overview", "tasks", "runs", "dead", "timeline", "cluster", "audit"];
const KEYS = { o: "overview", t: "tasks", r: "runs", d: "dead", h: "timeline", c: "cluster",
  a: "audit" };
const SIGNS = { system: "system", light: "sun", dark: "moon" };

const main = h("main", { id: "main", tabindex: -1 });
const frame = h("div", { class: "frame" });
const health = h("a", { class: "health", href: href("cluster") });
let unready = null;
let life = new AbortController();

async function askToken(reason) {
  const given = await ask({
    title: t("token.title"), body: h("p", {}, t("token.body"), " ", h("q", {}, reason)),
    action: t("token.action"), input: { label: t("token.label"), type: "password", max: 4096 },
  });
  return given?.trim() || null;
}

async function changeToken() {
  const given = await askToken(t(token() ? "token.held" : "token.none"));
  if (given === null) return;
  keepToken(given);
  again();
}

function forgetToken() {
  keepToken(null);
  again();
}

function menu() {
  const shown = place().page;
  const entry = (name) => h("a", {
    href: href(name), class: "entry", "aria-current": name === shown ? "page" : null,
  }, icon(name), h("span", {}, t(`nav.${name}`)));
  return h("nav", { "aria-label": t("nav.label") }, MENU.map(entry));
}

function bar() {
  const theme = setting("theme");
  const turn = (name) => () => choose(name, following(name));
  const zone = setting("zone") === "utc" ? "UTC" : ownZone();
  return h("header", { class: "bar" },
    health,
    h("span", { class: "grow" }),
    button(zone, turn("zone"), { kind: "quiet", title: t("bar.zone") }),
    button(setting("language") === "en" ? "中文" : "English", turn("language"),
      { kind: "quiet", title: t("bar.language") }),
    button("", turn("theme"), { kind: "quiet", sign: SIGNS[theme], title: t(`theme.${theme}`) }),
    button("", token() ? forgetOrChange : changeToken,
      { kind: "quiet", sign: "key", title: t("token.button") }),
    button("?", showKeys, { kind: "quiet", title: t("keys.title") }),
    linkButton(t("nav.new"), "new", {}, { kind: "primary", sign: "plus" }));
}

async function forgetOrChange() {
  const shown = sheet(t("token.title"),
    h("p", {}, t("token.held")),
    h("div", { class: "actions" },
      button(t("token.other"), () => {
        shown.close();
        return changeToken();
      }),
      button(t("token.forget"), () => {
        shown.close();
        forgetToken();
      })));
}

function showKeys() {
  const moves = Object.entries(KEYS).map(([key, page]) => [`g ${key}`, t(`nav.${page}`)]);
  const others = [["/", t("keys.search")], ["n", t("nav.new")], ["↑ ↓ Enter", t("keys.list")],
    ["Space", t("keys.mark")], ["Esc", t("keys.close")], ["?", t("keys.title")]];
  sheet(t("keys.title"), facts([...moves, ...others].map(([key, what]) =>
    [h("kbd", {}, key), what])));
}

function drawFrame() {
  document.documentElement.lang = setting("language") === "zh" ? "zh-CN" : "en";
  const skip = (event) => {
    event.preventDefault();
    main.focus();
  };
  refocus(frame,
    h("a", { class: "skip", href: "#main", onclick: skip }, t("nav.skip")),
    h("aside", {}, h("a", { class: "brand", href: href("overview") }, icon("clock"), "xcron"),
      menu()),
    h("div", { class: "column" }, bar(), main));
  frame.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

async function show() {
  life.abort();
  closeSheets();
  life = new AbortController();
  askAgain();
  const { page, query } = place();
  drawFrame();
  const title = t(`nav.${page}`);
  document.title = `${PAGES[page] ? title : t("nav.nowhere")} · xcron`;
  main.className = `page-${page}`;
  const root = fill(main);
  if (PAGES[page]) PAGES[page](root, query, life.signal);
  else fill(root, empty(t("nav.nowhere"), t("nav.nowhere_hint"),
    linkButton(t("nav.overview"), "overview")));
  // Whoever reads with the keyboard goes on at the new page, if what had the focus is gone.
  if (document.activeElement === document.body) main.focus({ preventScroll: true });
}

function takeTheme() {
  const theme = setting("theme");
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

async function lookAtHealth() {
  try {
    unready = await notReady();
  } catch {
    unready = t("health.unreachable");
  }
  drawHealth();
}

function drawHealth() {
  const sampled = latest();
  const isLeader = value(sampled, "xcron_raft_is_leader") === 1;
  const role = sampled ? t(isLeader ? "status.leader" : "status.follower") : t("status.ready");
  fill(health, h("i", { class: `dot ${unready ? "failed" : "succeeded"}` }),
    unready ? `${t("health.not_ready")}: ${unready}` : role);
}

function listenToKeys() {
  let isGoing = false;
  addEventListener("keydown", (event) => {
    const isTyping = event.target.closest?.("input, textarea, select, dialog");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    const wasGoing = isGoing;
    isGoing = key === "g";
    if (wasGoing && KEYS[key]) go(KEYS[key]);
    else if (key === "n") go("new");
    else if (key === "?") showKeys();
    else if (key === "/") {
      event.preventDefault();
      const search = main.querySelector("input[type=search]");
      if (search) search.focus();
      else go("tasks", { focus: "search" });
    }
  });
}

askTokenBy(askToken);
onChoice((name) => {
  if (name === "theme") takeTheme();
  show();
});
document.body.append(frame, toasts());
startRouter(show);
listenToKeys();
const forever = new AbortController().signal;
every(SAMPLE_MS, forever, async () => {
  await sample();
  drawHealth();
});
every(READY_MS, forever, lookAtHealth);
setInterval(refreshTimes, 1_000);
