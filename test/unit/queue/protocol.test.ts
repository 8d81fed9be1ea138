/** PROTOCOL.md against the code. */
import { expect, test } from "bun:test";
import { ERROR_CODES } from "../../../schema/model/errors.ts";
import * as wire from "../../../services/queue/http/wire.ts";
import * as port from "../../../services/queue/port.ts";
import { PARTITION_KEYS, partitionPrefix } from "../../../services/queue/redis/script-parts.ts";
import { createScripts } from "../../../services/queue/redis/scripts.ts";
import { codeIn, readDocument, tableUnder } from "../../support/project/documents.ts";

const text = readDocument("services/queue/PROTOCOL.md");

test("PROTOCOL.md lists every key of a partition", () => {
  const keys = tableUnder(text, "Keys").map(([key]) => codeIn(key));
  expect(keys).toEqual([...PARTITION_KEYS, "p:PRODUCER"]);
  expect(text).toContain(`\`${partitionPrefix(0).replace("0", "N")}\``);
});

test("PROTOCOL.md has a paragraph about every script", () => {
  const section = text.split("### Scripts")[1]?.split("### ")[0] ?? "";
  const described = [...section.matchAll(/\*\*(\w+)\*\*/g)].map(([, name = ""]) => name);
  const bounds = { maxBytes: 1, maxBatches: 1, maxDeadBytes: 1, maxDeliveries: 1 };
  expect(described.toSorted()).toEqual(Object.keys(createScripts(bounds)).toSorted());
});

test("PROTOCOL.md lists every path of queue-service", () => {
  const paths = tableUnder(text, "HTTP").map(([, path]) => codeIn(path));
  const { claims } = wire.QUEUE_PATHS;
  expect(paths.toSorted()).toEqual([...Object.values(wire.QUEUE_PATHS), `${claims}/{id}`].toSorted());
});

test("PROTOCOL.md gives the error codes their statuses", () => {
  for (const [code, status] of tableUnder(text, "Errors")) {
    expect([code, Number(status)]).toEqual([code, ERROR_CODES[codeIn(code) as keyof typeof ERROR_CODES].status]);
  }
});

test("PROTOCOL.md gives the limits their values", () => {
  const units: Readonly<Record<string, number>> = { MiB: 1024 * 1024, h: 3_600_000, s: 1000 };
  const limits: Readonly<Record<string, unknown>> = { ...port, ...wire };
  const rows = tableUnder(text, "Limits");
  for (const [name, value = ""] of rows) {
    const [number = "", unit = ""] = value.replaceAll(",", "").split(" ");
    expect([name, Number(number) * (units[unit] ?? 1)]).toEqual([name, limits[codeIn(name)] as number]);
  }
  expect(rows.length).toBeGreaterThan(5);
});
