/** The columns of a plain list of readings. */
import type { GpuUuid } from "../../../schema/model/gpu.ts";
import type { Reading } from "../../../schema/model/reading.ts";
import { metricOf } from "../../../schema/model/series.ts";
import type { ColumnsPart, ColumnsQuery } from "../../../services/repository/columns.ts";

export async function* columnsIn(
  stored: readonly Reading[],
  gpus: readonly GpuUuid[],
  { metrics, window }: ColumnsQuery,
): AsyncGenerator<ColumnsPart> {
  const asked = stored.filter(
    ({ series, at }) => metrics.includes(metricOf(series)) && at >= window.from && at < window.to,
  );
  for (const gpu of gpus) {
    const bySeries = Map.groupBy(
      asked.filter((reading) => reading.gpu === gpu),
      ({ series }) => series,
    );
    const columns = [...bySeries].sort().map(([series, readings]) => ({
      series,
      at: Float64Array.from(readings, ({ at }) => at),
      values: Float64Array.from(readings, ({ value }) => value),
      marks: new Float64Array(0),
    }));
    if (columns.length > 0) yield { gpu, columns };
  }
}
