/** The conformance suite of the repository port: every store runs it. */
import { describe } from "bun:test";
import type { OpenRepository } from "./repository/bench.ts";
import { columnsConformance } from "./repository/columns.ts";
import { holdAnswerConformance } from "./repository/hold-answers.ts";
import { holdConformance } from "./repository/holds.ts";
import { inventoryConformance } from "./repository/inventory.ts";
import { knownNamesConformance } from "./repository/known-names.ts";
import { latestConformance } from "./repository/latest.ts";
import { manyConformance } from "./repository/many.ts";
import { modelConformance } from "./repository/model.ts";
import { namesConformance } from "./repository/names.ts";
import { pagingConformance } from "./repository/paging.ts";
import { placementConformance } from "./repository/placements.ts";
import { positionConformance } from "./repository/positions.ts";
import { readingsConformance } from "./repository/readings.ts";
import { retentionConformance } from "./repository/retention.ts";
import { saveConformance } from "./repository/save.ts";
import { workloadConformance } from "./repository/workloads.ts";

export function repositoryConformance(name: string, open: OpenRepository): void {
  describe(`${name} repository`, () => {
    saveConformance(open);
    readingsConformance(open);
    pagingConformance(open);
    columnsConformance(open);
    latestConformance(open);
    inventoryConformance(open);
    placementConformance(open);
    holdConformance(open);
    holdAnswerConformance(open);
    workloadConformance(open);
    manyConformance(open);
    namesConformance(open);
    knownNamesConformance(open);
    positionConformance(open);
    retentionConformance(open);
    modelConformance(open);
  });
}
