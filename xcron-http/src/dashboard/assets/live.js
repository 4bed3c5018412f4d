// Repeats work for as long as a page is shown and somebody can see it.

import { ApiError } from "./api.js";

/** What takes long is done less often: for each second of work, so many of rest. */
const REST = 10;
const HIDDEN = () => document.visibilityState === "hidden";

function seen(signal) {
  if (!HIDDEN()) return Promise.resolve();
  return new Promise((resolve) => {
    const look = () => {
      if (HIDDEN() && !signal.aborted) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look, { once: true });
  });
}

function rest(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const stop = () => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener("abort", stop, { once: true });
  });
}

/** Does `work` now and every `ms` after it was done, but not while the page is hidden. */
export async function every(ms, signal, work) {
  while (!signal.aborted) {
    const begun = performance.now();
    try {
      await work();
    } catch (error) {
      // What the server refused the page shows where it belongs; all else is a bug.
      if (!signal.aborted && !(error instanceof ApiError)) console.error(error);
    }
    await rest(Math.max(ms, REST * (performance.now() - begun)), signal);
    await seen(signal);
  }
}

/** Does `work` for all `items`, so many at a time, and answers what failed. */
export async function forAll(items, atOnce, work) {
  const failed = [];
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) {
      try {
        await work(item);
      } catch (error) {
        failed.push({ item, error });
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return failed;
}
