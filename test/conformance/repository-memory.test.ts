import { openRepository } from "../../services/repository/open.ts";
import { openBench } from "./repository/bench.ts";
import { repositoryConformance } from "./repository.ts";

repositoryConformance("memory", ({ retentionMs = 0 } = {}) =>
  openBench((parts) => openRepository({ kind: "memory", retentionMs }, parts)),
);
