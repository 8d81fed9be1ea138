/** The loop against the exporters of a simulated fleet, as a scraper meets them. */
import { expect, test } from "bun:test";
import { DEFAULT_FLEET, type FleetOptions } from "../../../data/fleet/options.ts";
import { serveFleet } from "../../../data/fleet/serve.ts";
import { createLabelRules, DEFAULT_LABELS } from "../../../schema/dcgm/label-rules.ts";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { readScraperConfig } from "../../../services/scraper/config.ts";
import { ScrapeLoop, type ScrapeOutcome } from "../../../services/scraper/scrape/scrape-loop.ts";
import { parseTargetGroups } from "../../../services/scraper/targets/target-groups.ts";
import { eventually } from "../../support/time/eventually.ts";

const MINUTE = 60_000;
const FLEET: FleetOptions = { ...DEFAULT_FLEET, hosts: 3, gpusPerHost: 2, intervalMs: MINUTE, durationMs: 60 * MINUTE };

const marksOf = ({ tick }: ScrapeOutcome): number => tick.values.filter(Number.isNaN).length;

test("ScrapeLoop scrapes each host of a fleet, ends the series of one that is removed, and stops", async () => {
  await using fleet = await serveFleet({ fleet: FLEET, now: () => 5 * MINUTE, port: 0, ports: "one", slowMs: 20 });
  const groups = parseTargetGroups(await (await fetch(fleet.targets)).text(), { isJson: true });
  if (!groups.ok) throw new Error(groups.error);
  const outcomes: ScrapeOutcome[] = [];
  const loop = new ScrapeLoop({
    config: readScraperConfig({ SCRAPE_INTERVAL: "1s" }),
    rules: createLabelRules(DEFAULT_LABELS),
    clock: systemClock,
    take: async (outcome) => void outcomes.push(outcome),
    ignored: () => undefined,
  });
  try {
    for (const target of groups.value) loop.add(target);
    const scraped = () => new Set(outcomes.map(({ target }) => target.key));
    await eventually(() => scraped().size === 3, { what: "a scrape of each host" });
    const first = outcomes.slice(0, 3);
    expect(first.map(({ problem, tick }) => [problem, tick.skips.size])).toEqual(Array(3).fill([undefined, 0]));
    const gpus = new Set(first.flatMap(({ tick }) => tick.meanings.map(({ facts }) => facts.uuid)));
    expect(gpus.size).toBe(6);
    for (const { tick } of first) expect(new Set(tick.times)).toEqual(new Set([tick.at]));
    const [gone] = groups.value;
    if (gone === undefined) throw new Error("The fleet must have a target, got none");
    await loop.remove(gone);
    const last = outcomes.findLast(({ target }) => target.key === gone.key);
    expect(last === undefined ? 0 : marksOf(last)).toBe(
      first.find((one) => one.target.key === gone.key)?.tick.samples ?? -1,
    );
  } finally {
    await loop.stop();
  }
  expect(outcomes.filter((outcome) => marksOf(outcome) > 0)).toHaveLength(1);
});

test("ScrapeLoop ends the series of a target that stops answering", async () => {
  let isUp = true;
  await using server = answering(() => (isUp ? 'DCGM_FI_DEV_GPU_TEMP{gpu="0"} 41\n' : null));
  const outcomes: ScrapeOutcome[] = [];
  const config = readScraperConfig({ SCRAPE_INTERVAL: "1s", SCRAPE_TARGETS: server.address });
  const loop = new ScrapeLoop({
    config,
    rules: createLabelRules(DEFAULT_LABELS),
    clock: systemClock,
    take: async (outcome) => void outcomes.push(outcome),
    ignored: () => undefined,
  });
  try {
    for (const target of config.targets) loop.add(target);
    await eventually(() => outcomes.length > 0, { what: "the first scrape" });
    isUp = false;
    await eventually(() => outcomes.some(({ problem }) => problem !== undefined), { what: "a failed scrape" });
  } finally {
    await loop.stop();
  }
  const failed = outcomes.findIndex(({ problem }) => problem !== undefined);
  expect(outcomes.slice(failed - 1, failed + 1).map(({ problem, tick }) => [problem, tick.values])).toEqual([
    [undefined, [41]],
    ["answer must have status 200, got 503", [Number.NaN]],
  ]);
});

function answering(body: () => string | null) {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response(body() ?? "", { status: body() === null ? 503 : 200 }),
  });
  return { address: `127.0.0.1:${server.port}`, [Symbol.asyncDispose]: () => server.stop(true) };
}
