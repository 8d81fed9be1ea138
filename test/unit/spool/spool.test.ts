import { expect, test } from "bun:test";
import { appendFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Spool, type SpoolOptions } from "../../../services/spool/spool.ts";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { BUN } from "../../support/programs/process.ts";

const MAX = 1024 * 1024;
const open = (folder: string, options: Partial<SpoolOptions> = {}) => Spool.open({ folder, maxBytes: MAX, ...options });
const body = (text: string) => new TextEncoder().encode(text);

async function textsOf(spool: Spool, from = 1): Promise<string[]> {
  const texts: string[] = [];
  for (let next = from; ; ) {
    const records = await spool.read(next, 64);
    if (records.length === 0) return texts;
    for (const record of records) {
      expect(record.number).toBe(next++);
      texts.push(Buffer.from(record.body).toString());
    }
  }
}

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `record ${index + 1}`);

test("records keep order, numbers and bytes over segments and restarts", async () => {
  await using folder = await temporaryFolder();
  let id = "";
  {
    await using spool = await open(folder.path, { segmentBytes: 100 });
    id = spool.id;
    const numbers = await Promise.all(numbered(10).map((text) => spool.append(body(text), 1)));
    expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    for (let more = 11; more <= 30; more++) expect(await spool.append(body(`record ${more}`), more)).toBe(more);
    expect(await textsOf(spool)).toEqual(numbered(30));
  }
  await using spool = await open(folder.path, { segmentBytes: 100 });
  expect([spool.id, spool.next, spool.excess]).toEqual([id, 31, 0]);
  expect(await textsOf(spool)).toEqual(numbered(30));
  expect(await textsOf(spool, 17)).toEqual(numbered(30).slice(16));
  expect((await spool.read(30, 1)).map(({ readings }) => readings)).toEqual([30]);
});

test("confirm() deletes segments whose records are all confirmed, and keeps numbering", async () => {
  await using folder = await temporaryFolder();
  {
    await using spool = await open(folder.path, { segmentBytes: 1 });
    for (const text of numbered(5)) await spool.append(body(text), 1);
    const before = spool.bytes;
    await spool.confirm(3);
    expect(spool.bytes).toBeLessThan(before);
    expect(await textsOf(spool, 4)).toEqual(["record 4", "record 5"]);
    await spool.confirm(5);
  }
  await using spool = await open(folder.path);
  expect(spool.next).toBe(6);
});

test("append() refuses a record that does not fit, and takes it once others are confirmed", async () => {
  await using folder = await temporaryFolder();
  await using spool = await open(folder.path, { maxBytes: 100, segmentBytes: 1 });
  const record = body("x".repeat(24));
  expect([await spool.append(record, 1), await spool.append(record, 1), await spool.append(record, 1)]).toEqual([
    1,
    2,
    null,
  ]);
  expect([spool.refused, spool.bytes]).toEqual([1, 80]);
  await spool.confirm(1);
  expect(await spool.append(record, 1)).toBe(3);
});

test("a record that was cut short is left out, and the next one takes its number", async () => {
  await using folder = await temporaryFolder();
  {
    await using spool = await open(folder.path);
    for (const text of numbered(3)) await spool.append(body(text), 1);
  }
  const path = join(folder.path, (await readdir(folder.path)).find((name) => name.endsWith(".spool")) ?? "");
  const whole = await readFile(path);
  for (const cut of [1, 8, 20]) {
    await writeFile(path, whole.subarray(0, whole.length - cut));
    await using spool = await open(folder.path);
    expect([await textsOf(spool), spool.excess]).toEqual([numbered(2), 24 - cut]);
    expect(await spool.append(body("again"), 1)).toBe(3);
    expect((await textsOf(spool)).at(-1)).toBe("again");
  }
  await appendFile(path, Buffer.alloc(40, 0xff));
  await using spool = await open(folder.path);
  expect((await textsOf(spool)).length).toBe(3);
});

test("every record that a process has recorded is there after kill -9, at whatever moment", async () => {
  await using folder = await temporaryFolder();
  let recorded = 0;
  for (let life = 1; life <= 8; life++) {
    const child = Bun.spawn([BUN, "test/support/process/spool-program.ts", folder.path], { stdout: "pipe" });
    let printed = "";
    const lines = life * 7;
    for await (const chunk of child.stdout) {
      printed += new TextDecoder().decode(chunk);
      if (printed.split("\n").length > lines) child.kill("SIGKILL");
    }
    await child.exited;
    recorded = Math.max(recorded, ...printed.split("\n").slice(0, -1).map(Number));
    await using spool = await open(folder.path, { maxBytes: 64 * MAX });
    expect(spool.next).toBeGreaterThan(recorded);
    const texts = await textsOf(spool);
    expect(texts.map((text) => text.split(" x")[0])).toEqual(numbered(spool.next - 1));
  }
  expect(recorded).toBeGreaterThan(100);
});

test("a folder that a process uses is refused to others, and free once that process is killed", async () => {
  await using folder = await temporaryFolder();
  const child = Bun.spawn([BUN, "test/support/process/spool-program.ts", folder.path], { stdout: "pipe" });
  try {
    const first = await child.stdout.getReader().read();
    expect(Buffer.from(first.value ?? []).toString()).toStartWith("3\n");
    await expect(open(folder.path)).rejects.toThrow(
      `folder must be one that no other process uses, got ${folder.path}; stop that process`,
    );
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
  await using spool = await open(folder.path);
  expect(spool.next).toBeGreaterThan(3);
  await expect(open(folder.path)).rejects.toMatchObject({ code: "conflict" });
});
