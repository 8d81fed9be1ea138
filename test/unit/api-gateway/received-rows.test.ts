import { expect, test } from "bun:test";
import { columnsOfText } from "../../../services/api-gateway/subgraphs/received-rows.ts";
import type { RowField } from "../../../services/platform/graphql/row-lists.ts";

const OWN: readonly RowField[] = [
  ["value", { column: 1 }],
  ["timestamp", { column: 2 }],
];
const TEXT = ['[{"value":1,"time', 'stamp":"a"},{"value":2,"timestamp":"b"}]'].map((text) => Buffer.from(text));

const written = (fields: readonly RowField[]): string =>
  Array.from(columnsOfText(OWN, TEXT).write(fields), (part) => Buffer.from(part).toString()).join("");

test("a received list is passed on as it came when its own fields are asked for", () => {
  expect([...columnsOfText(OWN, TEXT).write(OWN)]).toEqual(TEXT);
});

test("a received list is written again for other fields: other names, another order, and values that rows share", () => {
  expect(written([OWN[1] as RowField, OWN[0] as RowField])).toBe(
    '[{"timestamp":"a","value":1},{"timestamp":"b","value":2}]',
  );
  expect(
    written([
      ["v", { column: 1 }],
      ["__typename", { json: '"Reading"' }],
    ]),
  ).toBe('[{"v":1,"__typename":"Reading"},{"v":2,"__typename":"Reading"}]');
});
