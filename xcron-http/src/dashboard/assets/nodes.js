// Shows a node of the cluster as a card.

import { fill, h } from "./dom.js";
import { count, t } from "./i18n.js";
import { latest, value } from "./metrics.js";
import { badge, facts } from "./parts.js";
import { duration } from "./time.js";

/** Beyond so many milliseconds a clock is worth a look; at 500 a node may not lead. */
const OFFSET_MS_FINE = 100;
const DISK_SHARE_FINE = 0.9;
const GIB = 2 ** 30;

const plain = (number) => (number === null ? null : count(number));

function meter(share, text, isBad) {
  const filled = h("i", { class: isBad ? "bad" : "" });
  filled.style.width = `${Math.round(Math.min(1, share) * 100)}%`;
  return h("span", { class: "meter" }, h("span", { class: "track" }, filled), text);
}

/** What only the node that answers knows of its machine. */
function machine() {
  const last = latest();
  const cpu = value(last, "xcron_host_cpu_ratio");
  const disk = (kind) => value(last, "xcron_host_disk_bytes", { kind }) ?? 0;
  const share = disk("total") ? 1 - disk("free") / disk("total") : 0;
  const free = t("node.free", { n: Math.floor(disk("free") / GIB) });
  const memory = value(last, "process_resident_memory_bytes");
  return [
    cpu !== null && [t("node.cpu"), meter(cpu, `${Math.round(cpu * 100)} %`, cpu > 0.95)],
    share > 0 && [t("node.disk"), meter(share, free, share > DISK_SHARE_FINE)],
    memory !== null && [t("node.memory"), `${count(Math.round(memory / 2 ** 20))} MiB`],
  ];
}

function offset(ms) {
  if (ms === null) return null;
  const isFar = Math.abs(ms) > OFFSET_MS_FINE;
  return h("span", { class: isFar ? "bad-text" : "" }, `${ms > 0 ? "+" : ""}${count(ms)} ms`);
}

/** A card for `node`; with `isWhole` all that is known of it. */
export function nodeCard(node, cluster, { isWhole = false, actions } = {}) {
  const isOwn = node.node_id === cluster.node_id;
  const seen = node.last_seen_ms === null ? null
    : t("node.ago", { time: duration(node.last_seen_ms / 1000) });
  const element = h("article", { class: `node ${node.is_reachable ? "" : "away"}` });
  return fill(element,
    h("header", {},
      h(isWhole ? "h2" : "h3", {}, t("node.name", { id: String(node.node_id) }),
        isOwn && h("span", { class: "faint" }, ` · ${t("node.this")}`)),
      badge(node.is_reachable ? node.role : "unreachable")),
    h("p", { class: "mono faint small" }, node.addr),
    facts([
      [t("node.lag"), node.lag === null ? null : t("node.entries", { n: node.lag })],
      !isOwn && [t("node.clock"), offset(node.clock_offset_ms)],
      ...(isOwn ? machine() : [[t("node.seen"), seen]]),
      ...(isWhole ? [
        [t("node.voter"), t(node.is_voter ? "yes" : "no")],
        [t("node.last_log"), plain(node.last_log)],
        [t("node.committed"), plain(node.committed)],
        [t("node.applied"), plain(node.applied)],
        [t("node.snapshot"), plain(node.snapshot)],
        [t("node.version"), `${node.version} · ${t("node.format", { n: node.format_max })}`],
      ] : []),
    ]),
    actions && h("div", { class: "actions" }, actions));
}
