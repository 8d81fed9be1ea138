import { describe, expect, test } from "bun:test";
import { symlink } from "node:fs/promises";
import { $ } from "bun";
import { temporaryFolder } from "../../support/process/temporary-folder.ts";
import { buildImage, haveContainers, STAND_INS } from "../../support/programs/image.ts";
import { BUN, ROOT } from "../../support/programs/process.ts";

/** Images that tests start on a machine without servers, and their replacements. */
const OFFICIAL = { "redis:7": STAND_INS.REDIS_IMAGE, "mongo:8": STAND_INS.MONGO_IMAGE } as const;

/** Tags the replacement with the official name, unless the official image exists. */
async function lend(official: string, standIn: string): Promise<AsyncDisposable> {
  const isThere = (await $`docker image ls --quiet ${official}`.quiet().text()) !== "";
  if (!isThere) await $`docker tag ${standIn} ${official}`.quiet();
  return {
    [Symbol.asyncDispose]: async () => {
      if (!isThere) await $`docker image rm --no-prune ${official}`.quiet();
    },
  };
}

describe.skipIf(!(await haveContainers("backends in containers")))("with no server on the machine", () => {
  test.each([
    ["test/conformance/live-feed-redis.test.ts", "# Redis: runs on a container of redis:7"],
    ["test/faults/mongo-server.test.ts", "# MongoDB-compatible server, private: runs on"],
  ])(
    "%s runs in containers",
    async (file, announcement) => {
      await buildImage();
      await using stack = new AsyncDisposableStack();
      for (const [official, standIn] of Object.entries(OFFICIAL)) stack.use(await lend(official, standIn));
      const path = stack.use(await temporaryFolder()).path;
      await symlink(BUN, `${path}/bun`);
      const { REDIS_URL, MONGODB_URI, ...rest } = process.env;
      const env = { ...rest, PATH: path, REQUIRE_BACKENDS: "1" };
      const { exitCode, stdout, stderr } = await $`${BUN} test --timeout=60000 ${file}`
        .cwd(ROOT)
        .env(env)
        .nothrow()
        .quiet();
      expect([exitCode, `${stdout}${stderr}`]).toEqual([0, expect.stringContaining(announcement)]);
    },
    120_000,
  );
});
