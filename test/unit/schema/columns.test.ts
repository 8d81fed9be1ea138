import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Columns, MAX_BLOCK_CELLS, packColumns, unpackColumns } from "../../../schema/batch/columns.ts";

const START = Date.UTC(2025, 6, 18, 20, 42, 34);

/** Walks like those of real metrics, and whatever else a double can be. */
const run = (length: number): fc.Arbitrary<number[]> =>
  fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => new Array<number>(length).fill(value)),
    numbers(fc.integer({ min: 0, max: 100 }), length),
    numbers(
      fc.integer({ min: 0, max: 700_000 }).map((milli) => milli / 1000),
      length,
    ),
    numbers(fc.integer({ min: 0, max: 9_000_000 }), length).map((steps) => {
      let sum = 2 ** 40;
      return steps.map((step) => {
        sum += step;
        return sum;
      });
    }),
    numbers(fc.maxSafeInteger(), length),
    numbers(fc.double({ noNaN: true, noDefaultInfinity: true }), length),
    numbers(fc.constantFrom(0, -0, 5e-324, 1e-12, 0.1, 2 ** 50, 2 ** 53, -(2 ** 50), 1e300, Number.MAX_VALUE), length),
  );

const numbers = (value: fc.Arbitrary<number>, length: number): fc.Arbitrary<number[]> =>
  fc.array(value, { minLength: length, maxLength: length });

const columns: fc.Arbitrary<Columns> = fc.integer({ min: 1, max: 150 }).chain((times) =>
  fc
    .record({
      gaps: numbers(fc.integer({ min: 1, max: 20_000 }), times),
      values: fc.array(run(times), { minLength: 1, maxLength: 5 }),
      holes: fc.array(fc.array(fc.boolean(), { minLength: times, maxLength: times }), { minLength: 1, maxLength: 3 }),
      holeOf: fc.array(fc.nat({ max: 5 }), { minLength: 5, maxLength: 5 }),
    })
    .map(({ gaps, values, holes, holeOf }) => {
      let time = START;
      const at = Float64Array.from(gaps, (gap) => {
        time += gap;
        return time;
      });
      const marks: number[] = [];
      const columns = values.map((column, index) => {
        const hole = holes[holeOf[index] as number];
        // A column has one value at least.
        return Float64Array.from(column, (value, tick) => {
          if (!hole?.[tick] || tick === 0) return value;
          if (holeOf[0] === 0 && tick % 3 === 0) marks.push(index * times + tick);
          return Number.NaN;
        });
      });
      return { at, values: columns, marks };
    }),
);

function unpacked(bytes: Uint8Array): Columns {
  const columns = unpackColumns(bytes);
  if (!columns.ok) throw new Error(columns.error);
  return columns.value;
}

/** Typed arrays compare by their bytes, and one NaN need not have another's. */
const listed = ({ at, values, marks }: Columns) => {
  return { at: [...at], values: values.map((column) => [...column]), marks };
};

describe("packColumns()", () => {
  test("round-trips every time and every finite double", () => {
    fc.assert(
      fc.property(columns, (given) => {
        expect(listed(unpacked(packColumns(given)))).toEqual(listed(given));
      }),
      { numRuns: 500 },
    );
  });

  test("unpacks only the columns that are asked for, with all times and marks", () => {
    fc.assert(
      fc.property(columns, fc.array(fc.nat({ max: 5 })), (given, asked) => {
        const wanted = new Set(asked);
        const outcome = unpackColumns(packColumns(given), wanted);
        if (!outcome.ok) throw new Error(outcome.error);
        const values = given.values.map((column, index) => (wanted.has(index) ? column : new Float64Array(0)));
        expect(listed(outcome.value)).toEqual(listed({ ...given, values }));
      }),
      { numRuns: 500 },
    );
  });

  test("never crashes or hangs on damaged bytes", () => {
    const damage = fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }), cut: fc.nat({ max: 3 }) });
    fc.assert(
      fc.property(columns, fc.array(damage, { minLength: 1, maxLength: 4 }), (given, damages) => {
        let bytes = packColumns(given);
        for (const { at, byte, cut } of damages) {
          bytes[at % bytes.length] = byte;
          if (cut === 0) bytes = bytes.slice(0, 1 + (at % bytes.length));
        }
        unpackColumns(bytes, new Set([1]));
        const outcome = unpackColumns(bytes);
        if (!outcome.ok) return expect(outcome.error.length).toBeGreaterThan(5);
        const { at, values } = outcome.value;
        for (const column of values) expect(column.length).toBe(at.length);
      }),
      { numRuns: 1000 },
    );
  });

  test("refuses a table that is too large before it allocates it", () => {
    const bytes = packColumns({ at: Float64Array.of(START), values: [Float64Array.of(1)], marks: [] });
    // Version, then 2^21 - 1 times.
    const bomb = Uint8Array.of(bytes[0] as number, 0xff, 0xff, 0x7f, 1, 0, 0, 0, 0, 0);
    expect(unpackColumns(bomb)).toMatchObject({ ok: false, error: expect.stringContaining(String(MAX_BLOCK_CELLS)) });
  });

  test("refuses times and columns whose product is too large, and so does packing", () => {
    const bomb = Uint8Array.of(1, 0x80, 0x80, 0x02, 0x80, 0x08, 0, 0, 0, 0);
    expect(unpackColumns(bomb)).toEqual({
      ok: false,
      error: "times × columns must be at most 1048576, got 32768 × 1024",
    });
    const at = Float64Array.from({ length: 1025 }, (_, tick) => tick);
    const values = Array.from({ length: 1024 }, () => at);
    expect(() => packColumns({ at, values, marks: [] })).toThrow("1025 times × 1024 columns");
  });

  test("refuses equal times", () => {
    const bytes = packColumns({ at: Float64Array.of(START, START), values: [Float64Array.of(1, 2)], marks: [] });
    expect(unpackColumns(bytes)).toEqual({ ok: false, error: "times must be ascending" });
  });

  test.each([25, 31, 32, 40, 48, 50])("round-trips numbers that are 2 to the power of %d apart, or nearly", (power) => {
    const spans = [2 ** power - 1, 2 ** power, 2 ** power + 1];
    for (const span of spans) {
      const values = Float64Array.of(5, 5 + span, 7, 6, 5, 5 + span);
      const given = { at: values.map((_, tick) => tick), values: [values, values.map((value) => -value)], marks: [] };
      expect(listed(unpacked(packColumns(given)))).toEqual(listed(given));
    }
  });

  test("round-trips steps that are equal for a while, and then equal to another", () => {
    const values = Float64Array.from({ length: 100 }, (_, tick) => tick + Math.max(0, tick - 32));
    const given = { at: values, values: [values], marks: [] };
    expect(listed(unpacked(packColumns(given)))).toEqual(listed(given));
  });

  test("round-trips a column without any value", () => {
    const given = {
      at: Float64Array.of(1, 2),
      values: [Float64Array.of(Number.NaN, Number.NaN), Float64Array.of(1, 2)],
      marks: [],
    };
    expect(listed(unpacked(packColumns(given)))).toEqual(listed(given));
  });

  test("writes version 1 for columns without marks, and version 2 with them", () => {
    const columns = { at: Float64Array.of(1, 2), values: [Float64Array.of(5, Number.NaN)] };
    const plain = packColumns({ ...columns, marks: [] });
    const marked = packColumns({ ...columns, marks: [1] });
    expect([plain[0], marked[0], marked.length - plain.length]).toEqual([1, 2, 2]);
    expect(unpacked(marked).marks).toEqual([1]);
  });

  test.each([
    ["of a cell with a reading", [1, 0], "a marked cell must have no reading"],
    ["beyond the last cell", [1, 2], "place of a mark must be at most 1, got 2"],
    ["more often than there are cells", [3, 0, 0, 0], "number of marks must be at most 2, got 3"],
  ])("refuses marks %s", (_, marks, error) => {
    const packed = packColumns({ at: Float64Array.of(1, 2), values: [Float64Array.of(5, Number.NaN)], marks: [1] });
    expect(unpackColumns(Uint8Array.of(...packed.subarray(0, -2), ...marks))).toEqual({ ok: false, error });
  });

  test("reports an unknown version", () => {
    expect(unpackColumns(Uint8Array.of(9))).toEqual({ ok: false, error: "version of columns must be 1 or 2, got 9" });
  });

  test("takes two bytes and the value for a column of one time", () => {
    const one = (count: number) =>
      packColumns({
        at: Float64Array.of(START),
        values: Array.from({ length: count }, () => Float64Array.of(40)),
        marks: [],
      });
    expect((one(11).length - one(1).length) / 10).toBe(2);
  });

  test("takes few bytes for values that hardly change", () => {
    const at = Float64Array.from({ length: 240 }, (_, tick) => START + tick * 15_000);
    const constant = packColumns({ at, values: [at.map(() => 1980)], marks: [] }).length;
    const steps = packColumns({ at, values: [at.map((_, tick) => 70_000 + (tick >> 6) * 13)], marks: [] }).length;
    const small = packColumns({ at, values: [at.map((_, tick) => 60 + ((tick * 7) % 4))], marks: [] }).length;
    expect(constant).toBeLessThan(40);
    expect(steps - constant).toBeLessThan(40);
    expect((small - constant) / at.length).toBeLessThan(0.4);
  });
});
