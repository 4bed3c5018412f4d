// Reads the metrics of a node, keeps samples of them, and works out rates and quantiles.

import { metricsText, now } from "./api.js";

const SAMPLES_MAX = 301;
/** Between two samples that are further apart nothing is known. */
const GAP_SECONDS_MAX = 15;
const LINE = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g;

const samples = [];

/** All samples, the oldest first. */
export const all = () => samples;

/** The newest one. */
export const latest = () => samples.at(-1);

function parse(text) {
  const found = new Map();
  for (const line of text.split("\n")) {
    const match = LINE.exec(line);
    if (!match) continue;
    const [, name, inside = "", value] = match;
    const labels = {};
    for (const [, key, said] of inside.matchAll(LABEL)) labels[key] = said;
    if (!found.has(name)) found.set(name, []);
    found.get(name).push({ labels, value: Number(value) });
  }
  return found;
}

/** Takes a sample. */
export async function sample() {
  const found = parse(await metricsText({ isQuiet: true }));
  samples.push({ at: now(), found });
  if (samples.length > SAMPLES_MAX) samples.shift();
}

/** The value with these labels; null if the node has none. */
export function value(from, name, labels = {}) {
  const wanted = Object.entries(labels);
  const is = (each) => wanted.every(([key, said]) => each.labels[key] === said);
  return from?.found.get(name)?.find(is)?.value ?? null;
}

/** The sum over all labels. */
function sum(from, name) {
  return (from.found.get(name) ?? []).reduce((total, each) => total + each.value, 0);
}

/** Whose counters these are: behind one address several nodes may answer in turn. */
const life = (from) =>
  `${value(from, "process_start_time_seconds")} ${value(from, "xcron_raft_is_leader")}`;

function ended(from) {
  const result = (name) => value(from, "xcron_fired_total", { result: name }) ?? 0;
  const failed = result("failed") + result("unknown");
  return {
    at: from.at, life: life(from), failed, succeeded: result("succeeded"),
    skipped: sum(from, "xcron_skipped_total"),
  };
}

/** What ended in each span between two samples of the same life of the same node. */
export function spans() {
  const counted = samples.map(ended);
  const found = [];
  for (const [index, to] of counted.entries()) {
    const from = counted[index - 1];
    const isOther = from?.life !== to.life;
    if (isOther || to.at - from.at > GAP_SECONDS_MAX) continue;
    const parts = {};
    for (const name of ["succeeded", "failed", "skipped"]) parts[name] = to[name] - from[name];
    if (Object.values(parts).every((part) => part >= 0)) {
      found.push({ from: from.at, to: to.at, ...parts });
    }
  }
  return found;
}

function buckets(from, name) {
  const bounds = new Map();
  for (const { labels, value: seen } of from.found.get(`${name}_bucket`) ?? []) {
    bounds.set(labels.le === "+Inf" ? Infinity : Number(labels.le), seen);
  }
  return bounds;
}

/** Quantiles of a histogram over the samples of the last `seconds`; null if it saw nothing. */
export function quantiles(name, wanted, seconds) {
  const last = latest();
  if (!last) return null;
  const isSame = (each) => each.at >= last.at - seconds && life(each) === life(last);
  const first = samples.find(isSame) ?? last;
  const before = buckets(first, name);
  const bounds = [...buckets(last, name)];
  const recent = bounds.map(([bound, seen]) => [bound, seen - (before.get(bound) ?? 0)]);
  const total = recent.at(-1)?.[1] ?? 0;
  if (total <= 0) return null;
  return wanted.map((share) => quantile(recent, share * total));
}

function quantile(bounds, rank) {
  let [low, below] = [0, 0];
  for (const [bound, seen] of bounds) {
    if (seen >= rank) {
      if (bound === Infinity) return low;
      return low + (bound - low) * ((rank - below) / (seen - below));
    }
    [low, below] = [bound, seen];
  }
  return low;
}
