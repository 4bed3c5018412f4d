"use strict";

// Restate: delayed invocations of a service, and objects that send themselves the next tick, as
// its guide to cron jobs does, since it has no crons of its own.

// The SDK needs what Node.js has had since version 22.
Promise.withResolvers ??= function withResolvers() {
  let resolve, reject;
  const promise = new Promise((...both) => ([resolve, reject] = both));
  return { promise, resolve, reject };
};

const http2 = require("http2");
const restate = require("@restatedev/restate-sdk");
const { Pool } = require("undici");
const {
  IN_FLIGHT, asked, call, createAll, createBoth, run, serve, versionOf,
} = require("../contract.js");

const PERIOD_SECS = 1;
const KEEP_NOTHING = { journalRetention: { seconds: 0 }, idempotencyRetention: { seconds: 0 } };

const target = restate.service({
  name: "target",
  handlers: { call: (_, { number, due }) => call(number, due) },
  options: KEEP_NOTHING,
});

const until = (due) => Math.max(0, due * 1_000 - Date.now());

const cron = restate.object({
  name: "cron",
  handlers: {
    tick: async (ctx, { number, due }) => {
      const next = due + PERIOD_SECS;
      const delay = restate.rpc.sendOpts({ delay: until(next) });
      ctx.objectSendClient({ name: "cron" }, ctx.key).tick({ number, due: next }, delay);
      await call(number, due);
    },
  },
  options: KEEP_NOTHING,
});

// Serves both and makes them known to the server.
async function register() {
  const handler = restate.createEndpointHandler({
    services: [target, cron],
    logger: (meta, ...words) => {
      if (meta.level === "error") process.stderr.write(`${words.join(" ")}\n`);
    },
  });
  const server = http2.createServer(handler);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const answer = await fetch(`${asked.admin}/deployments`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ uri: `http://127.0.0.1:${server.address().port}` }),
  });
  if (!answer.ok) throw new Error(`the server refused the service: ${await answer.text()}`);
}

run(async () => {
  await register();
  const ingress = new Pool(asked.service, { connections: IN_FLIGHT });
  const send = async (handler, number, due) => {
    const { statusCode, body } = await ingress.request({
      method: "POST",
      path: `/${handler}/send?delay=${until(due)}ms`,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ number, due }),
    });
    const text = await body.text();
    if (statusCode >= 300) throw new Error(`the server answered ${statusCode}: ${text}`);
  };
  const one = (number, due) => send("target/call", number, due);
  const steady = ([number]) => send(`cron/${number}/tick`, number, asked.due);

  const created = asked.work === "create"
    ? await createBoth(one)
    : asked.work === "drain"
      ? await createAll(1, IN_FLIGHT, ([number]) => one(number, asked.due))
      : await createAll(1, IN_FLIGHT, steady);
  const sdk = versionOf("@restatedev/restate-sdk");
  await serve({ version: `Restate SDK ${sdk}, Node.js ${process.versions.node}`, ...created });
});
