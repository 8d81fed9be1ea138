import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRepository } from "../../services/repository/open.ts";
import { openBench } from "./repository/bench.ts";
import { repositoryConformance } from "./repository.ts";

repositoryConformance("sqlite", async ({ retentionMs = 0 } = {}) => {
  const directory = await mkdtemp(join(tmpdir(), "repository-"));
  return openBench(
    (parts) => openRepository({ kind: "sqlite", path: join(directory, "store.sqlite"), retentionMs }, parts),
    () => rm(directory, { recursive: true }),
  );
});
