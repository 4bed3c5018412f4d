"use strict";

// BullMQ: delayed jobs, and job schedulers with a pattern of seconds.

const { Queue, Worker } = require("bullmq");
const {
  BATCH, BATCHES_IN_FLIGHT, asked, call, createAll, createBoth, run, serve, versionOf,
} = require("../contract.js");

const NAME = "peer";
const CONCURRENCY = 256;
const SCHEDULERS_IN_FLIGHT = 64;
const KEPT = { removeOnComplete: true, removeOnFail: true };

run(async () => {
  const { hostname, port } = new URL(asked.service);
  const connection = { host: hostname, port: Number(port), maxRetriesPerRequest: null };
  const queue = new Queue(NAME, { connection });
  await queue.waitUntilReady();

  const job = (number, due) => {
    const timestamp = Date.now();
    const opts = { ...KEPT, timestamp, delay: due * 1_000 - timestamp };
    return { name: "call", data: { number, due }, opts };
  };
  const one = (number, due) => {
    const { name, data, opts } = job(number, due);
    return queue.add(name, data, opts);
  };
  const batch = (numbers, due) => queue.addBulk(numbers.map((number) => job(number, due)));
  const steady = ([number]) =>
    queue.upsertJobScheduler(
      `every-second-${number}`,
      { pattern: "* * * * * *" },
      { name: "call", data: { number }, opts: KEPT },
    );
  // A scheduler's job is named `repeat:SCHEDULER:MILLISECONDS` after when it is due.
  const scheduled = ({ id, data }) => data.due ?? Math.floor(id.split(":").pop() / 1_000);

  let created;
  if (asked.work === "create") {
    created = await createBoth(one, batch);
  } else {
    const work = (job) => call(job.data.number, scheduled(job));
    const worker = new Worker(NAME, work, { connection, concurrency: CONCURRENCY });
    worker.on("failed", (_, error) => process.stderr.write(`${error}\n`));
    worker.on("error", (error) => process.stderr.write(`${error}\n`));
    await worker.waitUntilReady();
    created = asked.work === "drain"
      ? await createAll(BATCH, BATCHES_IN_FLIGHT, (numbers) => batch(numbers, asked.due))
      : await createAll(1, SCHEDULERS_IN_FLIGHT, steady);
  }
  const version = `BullMQ ${versionOf("bullmq")}, Node.js ${process.versions.node}`;
  await serve({ version, ...created });
});
