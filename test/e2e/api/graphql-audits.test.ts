/** The audits of the GraphQL-over-HTTP specification, against the program on both runtimes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { serverAudits } from "graphql-http";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { onePass, startAllInOne } from "../../support/programs/all-in-one.ts";
import { addressOf, type Program } from "../../support/programs/process.ts";
import { smallExport } from "../../support/sources/dcgm-export.ts";

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());

for (const runtime of ["bun", "deno"] as const) {
  describe(`GraphQL over HTTP on ${runtime}`, () => {
    let program: Program;
    let address: string;
    const audits = serverAudits({
      url: () => `${address}/graphql`,
      fetchFn: (...args: Parameters<typeof fetch>) => fetch(...args),
    });
    beforeAll(async () => {
      const csv = await smallExport(folder.path);
      program = startAllInOne(onePass(csv.path, join(folder.path, `${runtime}.sqlite`)), runtime);
      address = await addressOf(program);
    }, 60_000);
    afterAll(() => program[Symbol.asyncDispose]());

    test("there are 61 audits", () => {
      expect(audits).toHaveLength(61);
    });
    for (const audit of audits) {
      test(`audit ${audit.id}: ${audit.name}`, async () => {
        const result = await audit.fn();
        if (result.status !== "ok") throw new Error(result.reason);
      });
    }
  });
}
