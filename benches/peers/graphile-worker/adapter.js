"use strict";

// graphile-worker: jobs with `run_at`, and cron items, which know minutes.

const { Logger, makeWorkerUtils, parseCronItems, run: work } = require("graphile-worker");
const { Pool } = require("pg");
const {
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
} = require("../contract.js");

const TASK = "call";
const CONCURRENCY = 128;
const POLL_MS = 100;
const LOCAL_QUEUE = 1_000;
const COMPLETE_BATCH_MS = 250;
const CONNECTIONS = IN_FLIGHT;

run(async () => {
  const pgPool = new Pool({ connectionString: asked.service, max: CONNECTIONS });
  const logger = new Logger(() => (level, message) => {
    if (level === "error") process.stderr.write(`${message}\n`);
  });
  const utils = await makeWorkerUtils({ pgPool, logger });
  await utils.migrate();

  const one = (number, due) =>
    utils.addJob(TASK, { number, due }, { runAt: new Date(due * 1_000), maxAttempts: 3 });
  const batch = (numbers, due) => {
    const runAt = new Date(due * 1_000);
    const job = (number) =>
      ({ identifier: TASK, payload: { number, due }, runAt, maxAttempts: 3 });
    return utils.addJobs(numbers.map(job));
  };
  const cron = (number) =>
    ({ task: TASK, match: "* * * * *", identifier: `minute-${number}`, payload: { number } });

  let created;
  if (asked.work === "create") {
    created = await createBoth(one, batch);
  } else {
    if (asked.work === "drain") {
      created = await createAll(BATCH, BATCHES_IN_FLIGHT, (numbers) => batch(numbers, asked.due));
      // What autovacuum would do within a minute: without it the planner knows an empty table.
      await pgPool.query("ANALYZE");
    }
    const due = ({ due, _cron }) => due ?? Date.parse(_cron.ts) / 1_000;
    const crons = asked.work === "steady" ? chunks(asked.tasks)[0].map(cron) : [];
    await work({
      pgPool,
      logger,
      concurrency: CONCURRENCY,
      pollInterval: POLL_MS,
      noHandleSignals: true,
      taskList: { [TASK]: (payload) => call(payload.number, due(payload)) },
      parsedCronItems: parseCronItems(crons),
      preset: {
        worker: { localQueue: { size: LOCAL_QUEUE }, completeJobBatchDelay: COMPLETE_BATCH_MS },
      },
    });
    created ??= { created: asked.tasks, seconds: 0 };
  }
  const peer = `graphile-worker ${versionOf("graphile-worker")}`;
  const version = `${peer}, Node.js ${process.versions.node}`;
  await serve({ version, ...created });
});
