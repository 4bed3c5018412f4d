"use strict";

// Dkron: jobs at an instant and crons of seconds, whose HTTP executor calls the target itself.

const { Pool } = require("undici");
const { IN_FLIGHT, asked, createAll, createBoth, run, serve } = require("../contract.js");

const TIMEOUT_SECS = "30";

run(async () => {
  const api = new Pool(asked.service, { connections: IN_FLIGHT });
  const create = async (number, schedule) => {
    const { statusCode, body } = await api.request({
      method: "POST",
      path: "/v1/jobs",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        name: `load-${number}`,
        schedule,
        executor: "http",
        executor_config: {
          method: "POST",
          url: process.env.PEER_SINK,
          headers: JSON.stringify([
            "content-type: application/json",
            `xcron-task-id: load-${number}`,
          ]),
          body: process.env.PEER_BODY,
          timeout: TIMEOUT_SECS,
          expectCode: "200",
        },
      }),
    });
    const text = await body.text();
    if (statusCode !== 201) throw new Error(`the server answered ${statusCode}: ${text}`);
  };
  const at = (due) => `@at ${new Date(due * 1_000).toISOString().replace(".000Z", "Z")}`;
  const created = asked.work === "create"
    ? await createBoth((number, due) => create(number, at(due)))
    : await createAll(1, IN_FLIGHT, ([number]) =>
      create(number, asked.work === "drain" ? at(asked.due) : "* * * * * *"));
  await serve({ version: `client on Node.js ${process.versions.node}`, ...created });
});
