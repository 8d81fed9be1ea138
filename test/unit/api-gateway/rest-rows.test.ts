import { expect, test } from "bun:test";
import { parse } from "csv-parse/sync";
import { CSV_MEDIA, NDJSON_MEDIA, TABLE_FORMATS } from "../../../services/api-gateway/rest/rows.ts";

const COLUMNS = ["hostname", "pod", "value"];
const ROWS = [
  { hostname: '=cmd|"/c calc"!A1', pod: null, value: -1.5, other: "left out" },
  { hostname: "+1, -2 @x", pod: "", value: 1e21 },
  { hostname: "a\r\nb\nc", pod: " spaced ", value: 0 },
  { hostname: "\uFEFFé🎉", pod: "'quoted'", value: 0.1 },
];

test("CSV keeps every value as it is, even if a spreadsheet would evaluate it", () => {
  const { head, rows } = TABLE_FORMATS[CSV_MEDIA];
  const read = parse(head(COLUMNS) + rows(ROWS, COLUMNS), { columns: true });
  expect(read).toEqual(ROWS.map(({ hostname, pod, value }) => ({ hostname, pod: pod ?? "", value: String(value) })));
});

test("NDJSON has one line per row, even if values contain line breaks", () => {
  const { head, rows } = TABLE_FORMATS[NDJSON_MEDIA];
  const lines = (head(COLUMNS) + rows(ROWS, COLUMNS)).split("\n");
  expect(lines.pop()).toBe("");
  expect(lines.map((line) => JSON.parse(line))).toEqual(
    ROWS.map(({ hostname, pod, value }) => ({ hostname, pod, value })),
  );
});
