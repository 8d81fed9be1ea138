import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FileTargets } from "../../../services/scraper/targets/file-targets.ts";
import { nextScrapeAt } from "../../../services/scraper/targets/schedule.ts";
import { isOwnTarget } from "../../../services/scraper/targets/shards.ts";
import { type Target, targetOf } from "../../../services/scraper/targets/target.ts";
import { parseTargetGroups } from "../../../services/scraper/targets/target-groups.ts";
import { TargetList } from "../../../services/scraper/targets/target-list.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";

const target = (address: string, labels: Record<string, string> = {}): Target => {
  const made = targetOf(address, labels);
  if (!made.ok) throw new Error(made.error);
  return made.value;
};

test("targetOf() attaches labels as Prometheus does", () => {
  const labels = {
    __scheme__: "https",
    __metrics_path__: "/dcgm",
    __param_module: "gpu",
    __meta_x: "1",
    job: "gpus",
    rack: "7",
    empty: "",
  };
  const made = target("node-1:9400", labels);
  expect(made.url).toBe("https://node-1:9400/dcgm?module=gpu");
  expect(Object.fromEntries(made.labels)).toEqual({ instance: "node-1:9400", job: "gpus", rack: "7" });
  expect(target("node-1:9400", { instance: "other:9400" }).labels.get("instance")).toBe("other:9400");
  expect(target("node-1:9400").labels.get("job")).toBe("dcgm-exporter");
});

for (const address of ["", "a b", "ftp://node", "http://user@node", "node:0", "node:99999", "http://", "a/b"]) {
  test(`targetOf() refuses ${JSON.stringify(address)}`, () => {
    expect(targetOf(address).ok).toBe(false);
  });
}

test("parseTargetGroups() reads the same list as JSON and as YAML", () => {
  const json = parseTargetGroups('[{"targets":["a:1","b:1","a:1"],"labels":{"rack":"7"}}]', { isJson: true });
  const yaml = parseTargetGroups("- targets: [a:1, b:1, a:1]\n  labels:\n    rack: '7'\n", { isJson: false });
  expect(json).toEqual(yaml);
  expect(json.ok && json.value.map(({ url }) => url)).toEqual(["http://a:1/metrics", "http://b:1/metrics"]);
});

test("parseTargetGroups() names every problem of a list", () => {
  const list = '[{"targets":["a b"]},{"targets":["a:1"],"labels":{"rack":7}},{},{"targets":["a:1",5]}]';
  const parsed = parseTargetGroups(list, { isJson: true });
  expect(parsed.ok ? [] : parsed.error.split("; ").map((problem) => problem.split(/[ :]/)[0])).toEqual([
    "[0].targets[0]",
    "[1].labels.rack",
    "[2]",
    "[3].targets[1]",
  ]);
});

test("FileTargets.look() follows a file, and keeps the last good list while it has mistakes", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "targets.json");
  const file = new FileTargets(path);
  const list = new TargetList({ targets: [target("fixed:1")], sources: [file], shard: { shard: 0, shards: 1 } });
  const look = async () => {
    const isChanged = await file.look();
    const { added, removed, problems } = list.refresh();
    expect(isChanged).toBe(added.length + removed.length + problems.size > 0);
    return { added: urls(added), removed: urls(removed), problems: [...problems.keys()] };
  };
  expect(await look()).toEqual({ added: ["http://fixed:1/metrics"], removed: [], problems: [path] });
  expect((await look()).problems).toEqual([]);
  await writeFile(path, '[{"targets":["a:1","b:1"]}]');
  expect((await look()).added).toEqual(["http://a:1/metrics", "http://b:1/metrics"]);
  await writeFile(path, '[{"targets":["b:1"');
  expect(await look()).toEqual({ added: [], removed: [], problems: [path] });
  expect([list.failures, [...list.problems.keys()]]).toEqual([2, [path]]);
  await writeFile(path, '[{"targets":["b:1"]}]');
  expect((await look()).removed).toEqual(["http://a:1/metrics"]);
  expect(urls(list.targets)).toEqual(["http://fixed:1/metrics", "http://b:1/metrics"]);
  expect(list.problems.size).toBe(0);
});

test("nextScrapeAt() gives a target one moment of each interval, and spreads targets evenly", () => {
  const now = 1_752_871_354_000;
  const at = nextScrapeAt(target("node-1:9400"), 15_000, now);
  expect(at > now && at <= now + 15_000).toBe(true);
  expect(nextScrapeAt(target("node-1:9400"), 15_000, at)).toBe(at + 15_000);
  const parts = new Array(15).fill(0);
  for (let node = 0; node < 1500; node++) {
    parts[Math.floor((nextScrapeAt(target(`node-${node}:9400`), 15_000, 0) % 15_000) / 1000)]++;
  }
  expect(Math.min(...parts)).toBeGreaterThan(60);
  expect(Math.max(...parts)).toBeLessThan(140);
});

test("isOwnTarget() gives each target to one shard, and moves only those of a shard that is added", () => {
  const targets = Array.from({ length: 1000 }, (_, node) => target(`node-${node}:9400`));
  const ownersAmong = (shards: number) =>
    targets.map((one) => {
      const owners = Array.from({ length: shards }, (_, shard) => shard).filter((shard) =>
        isOwnTarget(one, { shard, shards }),
      );
      expect(owners).toHaveLength(1);
      return owners[0] ?? -1;
    });
  const three = ownersAmong(3);
  const four = ownersAmong(4);
  for (const [place, owner] of four.entries()) if (owner !== three[place]) expect(owner).toBe(3);
  for (let shard = 0; shard < 4; shard++) {
    const count = four.filter((owner) => owner === shard).length;
    expect(count > 180 && count < 320).toBe(true);
  }
  expect(targets.some((one) => isOwnTarget(one, { shard: 4, shards: 4 }))).toBe(false);
});

const urls = (targets: readonly Target[]): string[] => targets.map(({ url }) => url);
