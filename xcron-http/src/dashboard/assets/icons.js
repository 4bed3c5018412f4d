// Draws the few signs that stand beside words.

import { svg } from "./dom.js";

const PATHS = {
  overview: "M3 12h4l3-8 4 16 3-8h4",
  tasks: "M4 6h16M4 12h16M4 18h10",
  runs: "M8 5v14l11-7z",
  dead: "M12 9v4m0 4h.01M10.3 4 2.8 17a2 2 0 0 0 1.7 3h15a2 2 0 0 0 1.7-3L13.7 4a2 2 0 0 0-3.4 0z",
  timeline: "M4 5h4v4H4zM10 5h4v4h-4zM16 5h4v4h-4zM4 12h4v4H4zM10 12h4v4h-4zM16 12h4v4h-4z",
  cluster: "M12 3v6m0 0-6 6m6-6 6 6M12 3h.01M6 18h.01M18 18h.01M4 16h4v4H4zM16 16h4v4h-4z",
  audit: "M9 12l2 2 4-5M12 3l8 3v6c0 5-3.5 8-8 9-4.5-1-8-4-8-9V6z",
  plus: "M12 5v14M5 12h14",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7.5V12l3.5 2",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z" +
    "M12 2v2m0 16v2M4 12H2m20 0h-2M5 5l1.5 1.5m11 11L19 19M5 19l1.5-1.5m11-11L19 5",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
  system: "M4 5h16v11H4zM9 20h6m-3-4v4",
  key: "M11.3 12.7a4.5 4.5 0 1 0-1.6 7.1 4.5 4.5 0 0 0 1.6-7.1zM11 13l8.5-8.5M16 8l3 3",
  check: "M5 12.5l4.5 4.5L19 7.5",
  cross: "M6 6l12 12M18 6 6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
};

/** The sign called `name`; whoever cannot see it misses nothing. */
export const icon = (name) =>
  svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" },
    svg("path", { d: PATHS[name] }));
