/** The start page: follows the server for as long as it is open, through restarts of it. */
import { fillCommands, watchCopyButtons } from "./commands.js";
import { createHottest, METRICS } from "./hottest.js";
import { showRunning } from "./parts.js";
import { createRate } from "./rate.js";
import { keepTrying, pause } from "./retry.js";
import { getJson, Locked, query, subscribe } from "./server.js";
import { say, sayNumbers, showState } from "./status.js";
import { acceptToken, askForToken, keptToken, watchTokenForm } from "./token.js";

const HEALTH_MS = 5000;
const FLEET_MS = 10_000;
/** Of an empty fleet: the first GPU is waited for. */
const EMPTY_FLEET_MS = 2000;
/** Figures of the queue come every second. */
const STALE_MS = 5000;
/** Beyond this, the first of them are followed: a page is no place for ten thousand. */
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
  if (gpus === null) throw new Error("The inventory is away");
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
    ? "No GPU has been seen yet. Start the server with CSV_PATH set to a DCGM export, or without it for the sample " +
      "fleet; its log says what it reads. GPUs appear here by themselves."
    : "No GPU has been seen yet. Start a streamer and a collector; their logs say what they read and store. " +
      "GPUs appear here by themselves.";

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

/** While the queue is away there is no news of it, and old figures would be wrong ones. */
async function watchQueues(signal, wentWell) {
  let stale;
  const forget = () => {
    for (const id of ["rate", "depth"]) show(id, "–");
    show("dead", "");
  };
  const onData = ({ queues }) => {
    clearTimeout(stale);
    stale = setTimeout(forget, STALE_MS);
    wentWell();
    showQueues(queues);
  };
  try {
    await subscribe(QUEUES, { signal, onData });
  } finally {
    clearTimeout(stale);
    forget();
  }
}

/** The whole fleet while it is small: then new GPUs come by themselves. */
const filterOf = ({ total, known }) => ({ metrics: METRICS, ...(total > FOLLOWED ? { gpus: [...known.keys()] } : {}) });

function showReadings(frame) {
  received += frame.readings.length;
  missed += frame.missed;
  hottest.keep(frame.readings);
  hottest.show(fleet.known);
  show("received", `${count(received, "reading")} seen here`);
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

async function lookAtHealth(signal) {
  about = await getJson("/about.json", { signal });
  showRunning(about, await getJson("/health", { signal, also: 503 }));
}

async function watchHealth(signal, wentWell) {
  await pause(HEALTH_MS, signal);
  await lookAtHealth(signal);
  wentWell();
}

/** Ends by throwing when the server goes, or wants a token. */
async function follow(signal, wentWell) {
  await lookAtHealth(signal);
  acceptToken();
  wentWell();
  const inner = new AbortController();
  const all = { signal: AbortSignal.any([signal, inner.signal]) };
  const onWait = (reason, seconds) => showState("waiting", `${reason}: live numbers again in ${seconds} s`);
  try {
    await Promise.race([
      keepTrying((well) => watchHealth(all.signal, well), all),
      // Readings wait for the fleet: until it is known, why it is not is what there is to say.
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
  fillCommands({ origin: location.origin, wantsToken: keptToken() !== null });
  const onWait = (reason, seconds) => showState("away", `${reason}: trying again in ${seconds} s`);
  try {
    await keepTrying((wentWell) => follow(signal, wentWell), { signal, lets: [Locked], onWait });
  } catch (error) {
    if (!(error instanceof Locked)) throw error;
    showState("locked", error.message);
    fillCommands({ origin: location.origin, wantsToken: true });
    askForToken();
  }
}

watchCopyButtons(say);
watchTokenForm(start);
start();
