/** Exports the readings of a store over REST, and reads an export into an empty store. */
import { parse } from "csv-parse/sync";
import { type DocumentNode, execute } from "graphql";
import { createBatchBuilder } from "../../../schema/batch/builder.ts";
import { parseDcgmHeader } from "../../../schema/dcgm/columns.ts";
import { createLabelRules, DEFAULT_LABELS } from "../../../schema/dcgm/label-rules.ts";
import { RowIdentities } from "../../../schema/dcgm/row-identities.ts";
import { RowTimes } from "../../../schema/dcgm/time.ts";
import { UTC } from "../../../schema/dcgm/time-zone.ts";
import { parseDcgmValue } from "../../../schema/dcgm/value.ts";
import type { Result } from "../../../schema/model/result.ts";
import { createRest } from "../../../services/api-gateway/rest/handler.ts";
import { exposeError } from "../../../services/platform/graphql/subgraph.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";
import type { Repository } from "../../../services/repository/port.ts";
import { createTelemetrySchema } from "../../../services/telemetry/schema.ts";
import { ListedFeed } from "../api/listed-store.ts";
import { openModelRepository } from "../repository-model/repository.ts";
import { ManualClock } from "../time/manual-clock.ts";

const clock = new ManualClock(Date.UTC(2025, 6, 21, 10));
export const openModel = () => openModelRepository({ retentionMs: 0 }, { clock });

/** REST over the telemetry subgraph of a store. */
export function openTelemetryRest(repository: Repository) {
  const schema = createTelemetrySchema({ repository, feed: new ListedFeed(), clock });
  const ask = async (_subgraph: string, document: DocumentNode, { variables }: { variables?: object }) => {
    const { data, errors } = await execute({ schema, document, variableValues: { ...variables }, contextValue: {} });
    return errors === undefined ? { data } : { data, errors: errors.map((error) => exposeError(error, silentLogger)) };
  };
  const rest = createRest({ ask: ask as never }, { log: silentLogger, clock, clientOf: () => "client" });
  return (query = "", accept = "text/csv") =>
    rest(new Request(`http://localhost/api/v1/telemetry${query}`, { headers: { accept } }));
}

const valid = <T>(result: Result<T, unknown>): T => {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
};

/** Stores the rows of an export in an empty store. */
export async function storeOfExport(csv: string): Promise<Repository> {
  const [names = [], ...rows] = parse(csv) as string[][];
  const columns = valid(parseDcgmHeader(names));
  const identities = new RowIdentities({ columns, rules: createLabelRules(DEFAULT_LABELS) });
  const times = new RowTimes(UTC);
  const builder = createBatchBuilder(2);
  const repository = openModel();
  for (const fields of rows) {
    const { facts, series, holders } = valid(identities.of(fields));
    const at = valid(times.parse(fields[columns.timestamp] ?? "", clock.now()));
    builder.add(builder.slot(facts, series, holders), at, valid(parseDcgmValue(fields[columns.value] ?? "")));
  }
  if (rows.length > 0) await repository.save([builder.take({ producer: "export@0/1", epoch: 1, seq: 1 })]);
  return repository;
}
