/**
 * Keeps long lists of plain rows out of the execution of a query, which would make several objects of each row. GraphQL
 * executes one row in place of the list, and its values are then replaced by marks. When the answer is sent, the marks
 * say which column of which list each field shows, and the rows are written from there.
 *
 * A mark is `NONCE:CALL:LIST:COLUMN`. The nonce is random, so no value of a reading or label can pass for a mark.
 */
import { randomUUID } from "node:crypto";
import type { GraphQLResolveInfo } from "graphql";

/** Shorter lists are executed as they are: a stand-in costs about as much as some rows. */
const MIN_ROWS = 8;

/** How rows of a kind are written. */
export interface RowShape<Row> {
  /** The row that GraphQL executes. Each of its fields must have another value in the answer. */
  readonly sample: Row;
  readonly columns: readonly {
    /** What the answer has for `sample`. */
    readonly shows: unknown;
    /** Returns the value of a row as JSON. Called for row after row. */
    readonly json: () => (row: Row) => string;
  }[];
}

/** A field of each row: a column, or a value that all rows have in common, as JSON. */
export type RowField = readonly [key: string, content: { readonly column: number } | { readonly json: string }];

export interface RowList {
  readonly fields: readonly RowField[];
  /** Returns the list as JSON, with these fields in this order. */
  write(fields: readonly RowField[]): Iterable<string | Uint8Array>;
}

const PREFIX = /^[\w-]{8,64}:\d{1,9}$/;

/** Whether a text of a caller can be the prefix of marks. */
export const isPrefix = (text: string): boolean => PREFIX.test(text);

/** Rows that are written to one text. The engines keep a text as a tree of its parts until it is sent. */
const ROWS_PER_TEXT = 500;

function* writeRows<Row>(rows: readonly Row[], shape: RowShape<Row>, fields: readonly RowField[]): Generator<string> {
  const cells = fields.map(([key, content], index) => ({
    head: `${index === 0 ? "{" : ","}${JSON.stringify(key)}:`,
    json: "json" in content ? () => content.json : (shape.columns[content.column]?.json() ?? (() => "null")),
  }));
  const textOf = (row: Row): string => {
    let text = "";
    for (const { head, json } of cells) text += head + json(row);
    return `${text}}`;
  };
  for (let at = 0; at < rows.length; at += ROWS_PER_TEXT) {
    yield at === 0 ? "[" : ",";
    yield rows
      .slice(at, at + ROWS_PER_TEXT)
      .map(textOf)
      .join(",");
  }
  yield "]";
}

type Path = GraphQLResolveInfo["path"];

/** Returns what is at the path, or undefined if an error has removed it. */
function valueAt(data: unknown, path: Path | undefined): unknown {
  if (path === undefined) return data;
  const parent = valueAt(data, path.prev);
  return typeof parent === "object" && parent !== null ? (parent as Record<string, unknown>)[path.key] : undefined;
}

interface Held {
  readonly path: Path;
  readonly length: number;
  readonly shows: readonly unknown[];
  readonly write: RowList["write"];
}

/** The lists of one call of a subgraph. Resolvers get it as `info.rootValue`. */
export class RowCall {
  readonly prefix: string;
  readonly lists: RowList[] = [];
  #held: Held[] = [];

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** Keeps the rows, and returns the row that stands for them. */
  keep<Row>(path: Path, rows: readonly Row[], shape: RowShape<Row>): readonly Row[] {
    this.#held.push({
      path,
      length: rows.length,
      shows: shape.columns.map(({ shows }) => shows),
      write: (fields) => writeRows(rows, shape, fields),
    });
    return [shape.sample];
  }

  /** Replaces the values of each stand-in by marks. Call it once, with the data of the executed call. */
  mark(data: unknown): void {
    for (const { path, length, shows, write } of this.#held) {
      const list = valueAt(data, path);
      if (!Array.isArray(list) || list.length !== 1) continue;
      const row = list[0] as Record<string, unknown>;
      const fields = Object.entries(row).map(([key, value]): RowField => {
        const column = shows.indexOf(value);
        return [key, column === -1 ? { json: JSON.stringify(value) } : { column }];
      });
      if (!fields.some(([, content]) => "column" in content)) list.push(...Array(length - 1).fill(row));
      else {
        for (const [key, content] of fields) {
          if ("column" in content) row[key] = `${this.prefix}:${this.lists.length}:${content.column}`;
        }
        this.lists.push({ fields, write });
      }
    }
    this.#held = [];
  }
}

/** Returns the rows that stand for a list: the list itself if it is short, or the caller wants objects. */
export const standIn = <Row>(
  { rootValue, path }: GraphQLResolveInfo,
  rows: readonly Row[],
  shape: RowShape<Row>,
): readonly Row[] =>
  rootValue instanceof RowCall && rows.length >= MIN_ROWS ? rootValue.keep(path, rows, shape) : rows;

/** Yields the answer of a subgraph whose lists follow its text: the fields of each list, the text, and each list. */
export function* writeLists({ lists }: RowCall, text: string): Generator<string | Uint8Array> {
  yield `${JSON.stringify(lists.map(({ fields }) => fields))}\n${text}\n`;
  for (const { fields, write } of lists) {
    yield* write(fields);
    yield "\n";
  }
}

/** The lists of all calls that one request makes. */
export class RowLists {
  readonly #nonce = randomUUID();
  readonly #calls: RowCall[] = [];

  /** Begins a call. */
  call(): RowCall {
    const call = new RowCall(`${this.#nonce}:${this.#calls.length}`);
    this.#calls.push(call);
    return call;
  }

  get isEmpty(): boolean {
    return this.#calls.every(({ lists }) => lists.length === 0);
  }

  /**
   * Yields the text of an answer, with the lists in place of their stand-ins.
   * @param text JSON with stand-ins
   */
  *expand(text: string): Generator<string | Uint8Array> {
    let position = 0;
    for (;;) {
      const mark = text.indexOf(`"${this.#nonce}:`, position);
      if (mark === -1) break;
      const start = text.lastIndexOf("[{", mark);
      const end = text.indexOf("}]", mark) + 2;
      yield text.slice(position, start);
      yield* this.#write(JSON.parse(text.slice(start + 1, end - 1)) as Record<string, unknown>);
      position = end;
    }
    yield text.slice(position);
  }

  #write(row: Readonly<Record<string, unknown>>): Iterable<string | Uint8Array> {
    const lists = new Set<RowList>();
    const fields = Object.entries(row).map(([key, value]): RowField => {
      if (typeof value !== "string" || !value.startsWith(this.#nonce)) return [key, { json: JSON.stringify(value) }];
      const [, call = -1, number = -1, column = -1] = value.split(":").map(Number);
      const list = this.#calls[call]?.lists[number];
      if (list !== undefined) lists.add(list);
      return [key, { column }];
    });
    const [list] = lists;
    // A planner that reads one list in two calls would put both into one row. Hive's reads it in one.
    if (list === undefined || lists.size > 1) throw new Error("A stand-in must have the marks of one list");
    return list.write(fields);
  }
}
