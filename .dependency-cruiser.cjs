/**
 * Who may import whom: downwards only, rooms by their door (index.ts), foreign libraries in one room each.
 * @see docs/architecture.md, "The house"
 */
const SERVER = "^server/src/";

/** Room → the rooms of the server that it may import (protocol is open to all). */
const ROOMS = {
  runtime: [],
  log: ["runtime"],
  auth: ["runtime"],
  telemetry: ["runtime"],
  sequencer: ["runtime", "log"],
  hub: ["runtime", "log", "sequencer"],
  session: ["runtime", "hub", "auth"],
  http: ["runtime", "session", "hub", "auth", "telemetry"],
  dashboard: ["runtime"],
  transport: ["runtime"],
  config: [],
  // `ringcast check` verifies a data directory that no hub has: it asks the log.
  cli: ["config", "dashboard", "runtime", "log"],
};

const roomRules = Object.entries(ROOMS).map(([room, allowed]) => ({
  name: `${room}-imports-downwards`,
  severity: "error",
  from: { path: `${SERVER}${room}/` },
  to: {
    path: `${SERVER}[^/]+/`,
    pathNot: [
      `${SERVER}(${[room, ...allowed].join("|")})/`,
      // The two ports that transport implements.
      ...(room === "transport" ? [`${SERVER}(session/socket|http/exchange)\\.ts$`] : []),
    ],
  },
}));

/** Foreign library → the only place that may import it. */
const LIBRARIES = {
  "uWebSockets\\.js": `${SERVER}transport/uws/`,
  ws: `(${SERVER}transport/ws/|^client-sdk/src/transport/)`,
  koffi: `${SERVER}log/disk/`,
  lmdb: `${SERVER}log/catalogue`,
  pino: `${SERVER}telemetry/`,
  "prom-client": `${SERVER}telemetry/`,
  zod: `${SERVER}(config|http)/`,
  msgpackr: "^(protocol|client-sdk)/src/",
  idb: "^client-sdk/src/persist/",
  "react(-dom)?": "^client-sdk/src/react/",
};

const libraryRules = Object.entries(LIBRARIES).map(([library, place]) => ({
  name: `${library.replace(/\\/g, "")}-has-one-room`,
  severity: "error",
  from: { path: "^(protocol|client-sdk|server)/src/", pathNot: place },
  to: { path: `^node_modules/(@types/)?${library}/`, dependencyTypesNot: ["type-only"] },
}));

module.exports = {
  forbidden: [
    {
      // Types may know each other (a cursor its subscription, and the other way round); modules that run may not.
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "protocol-imports-nothing",
      severity: "error",
      from: { path: "^protocol/src/" },
      to: { pathNot: "^protocol/src/" },
    },
    {
      name: "sdk-knows-protocol-only",
      severity: "error",
      from: { path: "^client-sdk/src/" },
      to: { path: "^server/" },
    },
    {
      name: "sdk-is-for-cli-and-pages",
      severity: "error",
      from: { path: SERVER, pathNot: `${SERVER}(cli|dashboard/page)/` },
      to: { path: "^client-sdk/" },
    },
    {
      name: "rooms-have-doors",
      severity: "error",
      from: { path: `${SERVER}([^/]+)/` },
      to: {
        path: `${SERVER}([^/]+)/.+`,
        pathNot: [`${SERVER}$1/`, `${SERVER}[^/]+/(index|port)\\.ts$`, `${SERVER}(session/socket|http/exchange)\\.ts$`],
      },
    },
    ...roomRules,
    ...libraryRules,
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["source", "import", "node", "default"] },
  },
};
