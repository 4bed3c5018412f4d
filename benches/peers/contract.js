"use strict";

// The contract between the runner and an adapter (see README.md), for adapters in JavaScript.

const fs = require("fs");
const path = require("path");
const { Pool } = require.main.require("undici");

const DAY_SECS = 86_400;
// As many at a time as every load of this tool.
const IN_FLIGHT = 64;
const BATCH = 1_000;
const BATCHES_IN_FLIGHT = 4;

const given = process.env;
const asked = {
  work: given.PEER_WORK,
  first: Number(given.PEER_FIRST),
  tasks: Number(given.PEER_TASKS),
  due: Number(given.PEER_DUE),
  seconds: Number(given.PEER_SECONDS),
  service: given.PEER_SERVICE,
  admin: given.PEER_ADMIN,
};

const sink = new URL(given.PEER_SINK);
const pool = new Pool(sink.origin, { connections: IN_FLIGHT });

// Calls the target: task `number` is due, of the run at `scheduled` (Unix seconds).
async function call(number, scheduled) {
  const { statusCode, body } = await pool.request({
    method: "POST",
    path: sink.pathname,
    headers: {
      "content-type": "application/json",
      "xcron-task-id": `load-${number}`,
      "xcron-scheduled-time": String(scheduled),
    },
    body: given.PEER_BODY,
  });
  await body.dump();
  if (statusCode !== 200) {
    throw new Error(`the target answered ${statusCode}`);
  }
}

// Runs `step` until it answers false, `inFlight` of them at a time.
async function many(inFlight, step) {
  const lane = async () => {
    while (await step()) {}
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

// The numbers of all tasks that were asked for, in lists of at most `size`.
function chunks(size) {
  const lists = [];
  for (let from = 0; from < asked.tasks; from += size) {
    const length = Math.min(size, asked.tasks - from);
    lists.push(Array.from({ length }, (_, i) => asked.first + from + i));
  }
  return lists;
}

// Creates all tasks that were asked for, `size` by each `create(numbers)`.
async function createAll(size, inFlight, create) {
  const lists = chunks(size);
  const begun = performance.now();
  await many(inFlight, async () => {
    const numbers = lists.pop();
    if (numbers) await create(numbers);
    return numbers !== undefined;
  });
  return { created: asked.tasks, seconds: (performance.now() - begun) / 1_000 };
}

// Creates `size` by each `create(numbers)` for as long as was asked for.
async function createFor(size, inFlight, create) {
  const begun = performance.now();
  let next = asked.first;
  let created = 0;
  await many(inFlight, async () => {
    if (performance.now() - begun > asked.seconds * 1_000) return false;
    const from = next;
    next += size;
    await create(Array.from({ length: size }, (_, i) => from + i));
    created += size;
    return true;
  });
  // What is created next has other numbers.
  asked.first = next;
  return { created, seconds: (performance.now() - begun) / 1_000 };
}

// One by one, then in batches if there is such a call; `create(numbers, due)` takes both.
async function createBoth(one, batch) {
  const due = Math.floor(Date.now() / 1_000) + DAY_SECS;
  const single = await createFor(1, IN_FLIGHT, ([number]) => one(number, due));
  if (!batch) return single;
  const batched = await createFor(BATCH, BATCHES_IN_FLIGHT, (numbers) => batch(numbers, due));
  return { ...single, batched: batched.created, batched_seconds: batched.seconds };
}

// The version of an installed package.
function versionOf(name) {
  const file = path.join(path.dirname(require.main.filename), "node_modules", name, "package.json");
  return JSON.parse(fs.readFileSync(file, "utf8")).version;
}

// Tells the runner that all was created and what is due will be fired, and stays until the
// runner closes the standard input.
async function serve(report) {
  process.stdout.write(`${JSON.stringify(report)}\n`);
  await new Promise((resolve) => process.stdin.on("end", resolve).on("close", resolve).resume());
  process.exit(0);
}

// Runs an adapter; whatever it throws ends it with one line on the standard error.
function run(adapter) {
  adapter().catch((error) => {
    process.stderr.write(`${error}${error.cause ? `: ${error.cause}` : ""}\n`);
    process.exit(1);
  });
}

module.exports = {
  BATCH,
  BATCHES_IN_FLIGHT,
  IN_FLIGHT,
  asked,
  call,
  chunks,
  createAll,
  createBoth,
  run,
  serve,
  versionOf,
};
