// The nodes: who leads, how far each is, whose clock is off; leadership and membership change here.

import { get, post } from "./api.js";
import { ask } from "./dialog.js";
import { fill, h, refill } from "./dom.js";
import { count, t } from "./i18n.js";
import { every } from "./live.js";
import { nodeCard } from "./nodes.js";
import { button, card, doing, errorBox, facts } from "./parts.js";

const REFRESH_MS = 2_000;

async function transfer(id) {
  const answer = await ask({
    title: t("transfer.title", { id: String(id) }), body: h("p", {}, t("transfer.body")),
    action: t("transfer.action"),
  });
  if (answer === null) return;
  await doing(() => post("cluster/transferLeader", { node_id: id }),
    ({ leader }) => t("transfer.done", { id: String(leader) }));
}

async function removeNode({ node_id: id, addr }) {
  const answer = await ask({
    title: t("remove_node.title", { id: String(id) }),
    body: [h("p", { class: "mono" }, addr), h("p", {}, t("remove_node.body"))],
    action: t("remove_node.action"), isDangerous: true,
    input: { label: t("remove_node.type", { id: String(id) }), match: String(id) },
  });
  if (answer === null) return;
  await doing(() => post("cluster/removeNode", { node_id: id }), t("remove_node.done"));
}

function actions(node, cluster) {
  const isLeader = node.node_id === cluster.leader;
  if (cluster.nodes.length === 1) return [];
  return [
    !isLeader && node.is_voter && node.is_reachable &&
      button(t("transfer.action"), () => transfer(node.node_id)),
    button(t("remove_node.action"), () => removeNode(node), { kind: "danger" }),
  ];
}

function draw(cluster) {
  const voters = cluster.nodes.filter((node) => node.is_voter);
  const reached = voters.filter((node) => node.is_reachable).length;
  const needed = Math.floor(voters.length / 2) + 1;
  return [
    cluster.ready && h("p", { class: "error", role: "alert" }, cluster.ready),
    card(null, facts([
      [t("cluster.leader"), cluster.leader === null ? t("cluster.leader_none")
        : t("node.name", { id: String(cluster.leader) })],
      [t("cluster.majority"), t("cluster.majority_of", { reached, all: voters.length, needed })],
      [t("cluster.can_lose"), t("cluster.nodes", { n: Math.max(0, reached - needed) })],
      [t("cluster.term"), count(cluster.term)],
      [t("cluster.format"), count(cluster.format)],
      [t("cluster.id"), h("span", { class: "mono" }, cluster.cluster_id)],
    ], "wide")),
    h("div", { class: "nodes whole" }, cluster.nodes.map((node) =>
      nodeCard(node, cluster, { isWhole: true, actions: actions(node, cluster) }))),
    cluster.leader !== cluster.node_id && h("p", { class: "faint" }, t("cluster.follower")),
    cluster.nodes.length === 1 && h("p", { class: "faint" }, t("cluster.alone")),
    h("p", { class: "faint" }, t("cluster.machine")),
  ];
}

/** Shows the page in `root` until `signal`. */
export default function cluster(root, query, signal) {
  const place = h("div", {}, h("p", { class: "faint" }, t("loading")));
  fill(root, h("h1", {}, t("nav.cluster")), place);
  every(REFRESH_MS, signal, async () => {
    try {
      refill(place, draw(await get("cluster", {}, { signal })));
    } catch (error) {
      if (!signal.aborted) fill(place, errorBox(error));
    }
  });
}
