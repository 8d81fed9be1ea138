import { join } from "node:path";
import { openRepository } from "../../services/repository/open.ts";
import { temporaryFolder } from "../support/process/temporary-folder.ts";
import { openBench } from "./repository/bench.ts";
import { repositoryConformance } from "./repository.ts";

repositoryConformance("sqlite", async ({ retentionMs = 0 } = {}) => {
  const folder = await temporaryFolder();
  return openBench(
    (parts) => openRepository({ kind: "sqlite", path: join(folder.path, "store.sqlite"), retentionMs }, parts),
    async () => folder[Symbol.asyncDispose](),
  );
});
