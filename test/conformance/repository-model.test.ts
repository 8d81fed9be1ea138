import { openModelRepository } from "../support/repository-model/repository.ts";
import { openBench } from "./repository/bench.ts";
import { repositoryConformance } from "./repository.ts";

repositoryConformance("model", ({ retentionMs = 0 } = {}) =>
  openBench(async (parts) => openModelRepository({ retentionMs }, parts)),
);
