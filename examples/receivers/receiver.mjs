// Receives callbacks of xcron: asks who sent them, does each once, and none that is overtaken.
//
//   XCRON_HOOK_SECRET="whsec_..." node receiver.mjs 127.0.0.1:9000 receiver.journal

import { createHmac, timingSafeEqual } from "node:crypto";
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync } from "node:fs";
import { readFileSync, writeSync } from "node:fs";
import { createServer } from "node:http";

const TOLERANCE_SECONDS = 300;
const BODY_BYTES_MAX = 64 * 1024;

const [address, path] = process.argv.slice(2);
const secrets = process.env.XCRON_HOOK_SECRET.split(" ");
const keys = secrets.map((text) => Buffer.from(text.replace(/^whsec_/, ""), "base64"));

// What was done, a line each: with a database, a table of runs, one of fences, and your own.
const runs = new Set();
const fences = new Map();
let length = 0;
for (const line of existsSync(path) ? readFileSync(path, "utf8").split(/(?<=\n)/) : []) {
  if (!line.endsWith("\n")) break; // Cut off while it was written, and so never answered.
  const { run, task, fence } = JSON.parse(line);
  runs.add(run);
  fences.set(task, BigInt(fence));
  length += Buffer.byteLength(line);
}
const journal = openSync(path, existsSync(path) ? "r+" : "w+");

// Whether one of the signatures is one of ours, and not an old one sent again.
function isSigned(headers, body) {
  const { "webhook-id": run, "webhook-timestamp": sent, "webhook-signature": given } = headers;
  if (!run || !given || !/^\d+$/.test(sent)) return false;
  if (Math.abs(Date.now() / 1000 - Number(sent)) > TOLERANCE_SECONDS) return false;
  const sign = (key) => createHmac("sha256", key).update(`${run}.${sent}.`).update(body);
  const ours = keys.map((key) => Buffer.from(`v1,${sign(key).digest("base64")}`));
  const isOurs = (theirs) => (one) => one.length === theirs.length && timingSafeEqual(one, theirs);
  return given.split(" ").some((text) => ours.some(isOurs(Buffer.from(text))));
}

// Status and text of the answer. What it remembers and what it does are one write.
function accept(run, fence, body) {
  const task = run.split("@")[0];
  if (runs.has(run)) return [200, "done before"];
  const newest = fences.get(task);
  if (newest !== undefined && fence <= newest) {
    return [409, `fence ${fence} is stale, ${newest} was here`];
  }
  // The effect, in place of yours: the line charges. If it throws, nothing of this has happened.
  const line = Buffer.from(`${JSON.stringify({ run, task, fence: `${fence}`, charge: body })}\n`);
  ftruncateSync(journal, length);
  if (writeSync(journal, line, 0, line.length, length) < line.length) throw Error("disk full");
  fsyncSync(journal);
  length += line.length;
  runs.add(run);
  fences.set(task, fence);
  console.log(`charged ${run}`);
  return [200, "done"];
}

function judge(headers, body) {
  if (!isSigned(headers, body)) return [401, "not signed by xcron within the last five minutes"];
  const { "idempotency-key": run, "xcron-fence": fence } = headers;
  // Only webhook-id is signed.
  if (run !== headers["webhook-id"] || !/^\d+$/.test(fence)) {
    return [400, "idempotency-key is not webhook-id, or xcron-fence is no number"];
  }
  return accept(run, BigInt(fence), body.toString());
}

const server = createServer({ requestTimeout: 10_000 }, async (request, response) => {
  let answer;
  try {
    const parts = [];
    let bytes = 0;
    for await (const part of request) {
      if ((bytes += part.length) <= BODY_BYTES_MAX) parts.push(part);
    }
    answer =
      bytes > BODY_BYTES_MAX
        ? [413, "the body is too long"]
        : judge(request.headers, Buffer.concat(parts));
  } catch (error) {
    answer = [500, `${error}`]; // Anything but 2xx is tried again.
  }
  response.writeHead(answer[0]).end(answer[1]);
});

const [, host, port] = address.match(/^(.*):(\d+)$/);
server.listen(Number(port), host, () => {
  console.log(`listening on http://${host}:${server.address().port}/`);
});
process.on("SIGTERM", () => server.close(() => closeSync(journal)));
