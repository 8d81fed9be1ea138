/** The start page: follows the server while the page is open, through restarts of the server. */
import { fillCommands, watchCopyButtons } from "./commands.js";
import { createHottest, METRICS } from "./hottest.js";
import { showParts } from "./parts.js";
import { createRate } from "./rate.js";
import { keepTrying, pause } from "./retry.js";
import { getJson, Locked, query, subscribe } from "./server.js";
import { say, sayNumbers, showState } from "./status.js";
import { acceptToken, askForToken, keptToken, watchTokenForm } from "./token.js";

const HEALTH_MS = 5000;
const FLEET_MS = 10_000;
/** Interval while the fleet is empty, so that the first GPU appears soon. */
const EMPTY_FLEET_MS = 2000;
/** Figures of the queue older than this are hidden. New ones come every second. */
const STALE_MS = 5000;
/** The page subscribes to at most this many GPUs: the first ones of a larger fleet. */
const FOLLOWED = 256;
const FLEET = `{ gpus(limit: ${FOLLOWED}) { total gpus { uuid gpuIndex modelName pod } } hosts { hostname } }`;
const QUEUES = "subscription { queues { ready leased delayed dead counters { readings } } }";
const READINGS = `subscription Start($filter: ReadingFilter) {
  readings(filter: $filter) { missed readings { gpuUuid hostname metricName value timestamp } }
}`;

const byId = (id) => document.getElementById(id);
const show = (id, text) => {
  byId(id).textContent = text;
};
const count = (number, noun) => `${number.toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;
const sum = (rows, name) => rows.reduce((total, row) => total + row[name], 0);

const hottest = createHottest(byId("rows"));
const rate = createRate();
let about = null;
let fleet = null;
let received = 0;
let missed = 0;

async function watchFleet(signal, wentWell) {
  const { gpus, hosts } = await query(FLEET, { signal });
  if (gpus === null) throw new Error("The inventory is unavailable");
  fleet = { total: gpus.total, known: new Map(gpus.gpus.map((gpu) => [gpu.uuid, gpu])) };
  show("gpus", gpus.total.toLocaleString());
  show("hosts", hosts === null ? "" : `on ${count(hosts.length, "host")}`);
  const isEmpty = gpus.total === 0;
  byId("empty").hidden = !isEmpty;
  if (isEmpty) show("empty", emptyText());
  wentWell();
  await pause(isEmpty ? EMPTY_FLEET_MS : FLEET_MS, signal);
}

const emptyText = () =>
  about?.wiring === "embedded"
    ? "No GPUs yet. Start the server with CSV_PATH set to a DCGM export, or without CSV_PATH for the sample fleet. " +
      "Its log names the files that it reads. GPUs appear here as they arrive."
    : "No GPUs yet. Start a streamer and a collector. Their logs say what they read and store. " +
      "GPUs appear here as they arrive.";

function showQueues(queues) {
  const dead = sum(queues, "dead");
  const accepted = queues.reduce((total, { counters }) => total + counters.readings, 0);
  const perSecond = rate.of(accepted, performance.now());
  show("rate", perSecond === null ? "–" : Math.round(perSecond).toLocaleString());
  show("depth", (sum(queues, "ready") + sum(queues, "leased") + sum(queues, "delayed")).toLocaleString());
  show("dead", dead === 0 ? "no dead letters" : count(dead, "dead letter"));
  if (perSecond !== null && fleet !== null) {
    sayNumbers(`${count(Math.round(perSecond), "reading")} per second of ${count(fleet.total, "GPU")}`);
  }
}

/** Shows figures of the queue. Hides them when no new ones come, since the old ones are then wrong. */
async function watchQueues(signal, wentWell) {
  let stale;
  const hide = () => {
    for (const id of ["rate", "depth"]) show(id, "–");
    show("dead", "");
  };
  const onData = ({ queues }) => {
    clearTimeout(stale);
    stale = setTimeout(hide, STALE_MS);
    wentWell();
    showQueues(queues);
  };
  try {
    await subscribe(QUEUES, { signal, onData });
  } finally {
    clearTimeout(stale);
    hide();
  }
}

/** Passes the whole fleet while it is small, so that new GPUs are included. */
const filterOf = ({ total, known }) => ({ metrics: METRICS, ...(total > FOLLOWED ? { gpus: [...known.keys()] } : {}) });

function showReadings(frame) {
  received += frame.readings.length;
  missed += frame.missed;
  hottest.keep(frame.readings);
  hottest.show(fleet.known);
  show("received", `${count(received, "reading")} received`);
  show("missed", missed.toLocaleString());
  byId("hottest").hidden = hottest.size === 0;
  const isPart = fleet.total > FOLLOWED;
  show("hottest-title", isPart ? `Hottest of the first ${FOLLOWED} GPUs` : "Hottest GPUs");
  if (hottest.newestAt > 0) show("newest", `Newest reading: ${new Date(hottest.newestAt).toISOString()}`);
}

async function watchReadings(signal, wentWell) {
  while (fleet === null && !signal.aborted) await pause(100, signal);
  const onData = ({ readings }) => {
    wentWell();
    showState("live", "Live");
    showReadings(readings);
  };
  await subscribe(READINGS, { variables: { filter: filterOf(fleet) }, signal, onData });
}

async function showHealth(signal) {
  about = await getJson("/about.json", { signal });
  showParts(about, await getJson("/health", { signal, also: 503 }));
}

async function watchHealth(signal, wentWell) {
  await pause(HEALTH_MS, signal);
  await showHealth(signal);
  wentWell();
}

/** Never returns: it throws when the server stops, or requires a token. */
async function follow(signal, wentWell) {
  await showHealth(signal);
  acceptToken();
  wentWell();
  const inner = new AbortController();
  const all = { signal: AbortSignal.any([signal, inner.signal]) };
  const onWait = (reason, seconds) => showState("waiting", `${reason}: trying again in ${seconds} s`);
  try {
    await Promise.race([
      keepTrying((well) => watchHealth(all.signal, well), all),
      // Readings need the fleet. Until the fleet is known, its error is the one to show.
      keepTrying((well) => watchFleet(all.signal, well), {
        ...all,
        onWait: (reason, seconds) => fleet === null && onWait(reason, seconds),
      }),
      keepTrying((well) => watchQueues(all.signal, well), all),
      keepTrying((well) => watchReadings(all.signal, well), { ...all, onWait }),
    ]);
  } finally {
    inner.abort();
  }
}

let running = new AbortController();

async function start() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  fillCommands({ origin: location.origin, needsToken: keptToken() !== null });
  const onWait = (reason, seconds) => showState("offline", `${reason}: trying again in ${seconds} s`);
  try {
    await keepTrying((wentWell) => follow(signal, wentWell), { signal, rethrown: [Locked], onWait });
  } catch (error) {
    if (!(error instanceof Locked)) throw error;
    showState("locked", error.message);
    fillCommands({ origin: location.origin, needsToken: true });
    askForToken();
  }
}

watchCopyButtons(say);
watchTokenForm(start);
start();
