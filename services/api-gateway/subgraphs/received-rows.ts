/** Lists of rows as a subgraph has written them. */
import type { RowField, RowList } from "../../platform/graphql/row-lists.ts";

/** Whether the fields are those of each row, in their order. The text can then be sent as it is. */
const areEqual = (asked: readonly RowField[], own: readonly RowField[]): boolean =>
  asked.length === own.length && JSON.stringify(asked) === JSON.stringify(own);

/**
 * Returns a list of rows whose text is known.
 * @param own the fields of each row
 * @param text the list as JSON, in pieces
 */
export function columnsOfText(own: readonly RowField[], text: readonly Uint8Array[]): RowList {
  const keyOf = (column: number): string =>
    own.find(([, content]) => "column" in content && content.column === column)?.[0] ?? "";
  return {
    fields: own,
    write(fields) {
      if (areEqual(fields, own)) return text;
      const rows = JSON.parse(Buffer.concat(text).toString()) as Record<string, unknown>[];
      const cells = fields.map(([key, content]) => ({
        key,
        from: "column" in content ? keyOf(content.column) : null,
        content,
      }));
      const asked = rows.map((row) =>
        Object.fromEntries(
          cells.map(({ key, from, content }) => [
            key,
            from === null ? JSON.parse((content as { json: string }).json) : row[from],
          ]),
        ),
      );
      return [JSON.stringify(asked)];
    },
  };
}
