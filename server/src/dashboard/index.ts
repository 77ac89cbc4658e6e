export { createDemo, type Demo, type DemoHub, type DemoLog, type DemoRoute, type ReplayState } from "./demo.js";
export { findAssets, loadPages, type PageFile } from "./pages.js";
export { isQuake, QUAKES_TOPIC, type Quake } from "./quake.js";
export { DEFAULT_SPEED, LEAST_SPEED, MOST_SPEED, isSpeed, replayWeek, type ReplayMessage } from "./replay.js";
export { readWeek, type ReportedQuake } from "./week.js";
