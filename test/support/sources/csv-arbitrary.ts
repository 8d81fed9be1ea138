/** Arbitrary DCGM CSV files: mostly valid ticks, with odd values, times and columns, and some damaged lines. */
import fc from "fast-check";
import { DCGM_HEADER } from "../../../schema/dcgm/columns.ts";
import { quoted, rowFields, showNumber } from "./dcgm-file.ts";

const columns = DCGM_HEADER.split(",");

const value = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 3000 }).map(String) },
  { weight: 4, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map(showNumber) },
  { weight: 3, arbitrary: fc.stringMatching(/^-?\d{0,18}(\.\d{0,18})?$/) },
  fc.constantFrom("1e3", "+5", " 5", ".5", "5.", ".", "-", "-0", "0x10", "1_000", "007", "N/A", "NaN", "-Inf", ""),
  fc.constantFrom(
    "1234567890123456789012345",
    "9223372036854775794",
    "2147483632",
    "140737488355329",
    "1e999",
    "4\n2",
    "1,5",
    "1,5e3",
    "1.234,5",
  ),
);
const seconds = (iso: string): number => Date.parse(iso) / 1000;

/** Forms of one moment, with a fraction and a zone where the form has them. */
const TIME_FORMS: readonly ((iso: string, fraction: string, zone: string) => string)[] = [
  (iso, fraction, zone) => `${iso.slice(0, 19)}${fraction}${zone}`,
  (iso, fraction, zone) => `${iso.slice(0, 10)} ${iso.slice(11, 19)}${fraction}${zone}`,
  (iso, fraction) => `${seconds(iso)}${fraction}`,
  (iso) => `${seconds(iso) * 1000}`,
  (iso) => seconds(iso).toExponential(),
];

const time = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.integer({ min: 0, max: 200_000 }).map((s) => new Date(1752871354000 + s * 1000).toISOString()),
  },
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 3 }).map((s) => `2025-07-18T20:42:3${s}Z`) },
  {
    weight: 8,
    arbitrary: fc
      .record({
        s: fc.integer({ min: 0, max: 90_000 }),
        form: fc.constantFrom(...TIME_FORMS),
        fraction: fc.constantFrom("", ".5", ".250000", ".1239999", "."),
        zone: fc.constantFrom("Z", "+00:00", "+0200", "-05", " UTC", " +0100 CET", "", "+1:00"),
      })
      .map(({ s, form, fraction, zone }) => form(new Date(1752871354000 + s * 1000).toISOString(), fraction, zone)),
  },
  {
    weight: 4,
    // In Berlin, the clocks went from 03:00 to 02:00 in this night.
    arbitrary: fc
      .record({ hour: fc.constantFrom(1, 2, 2, 2, 3), minute: fc.constantFrom("00", "10", "59") })
      .map(({ hour, minute }) => `2024-10-27 0${hour}:${minute}:00`),
  },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 0, max: 999 }).map((ms) => `2025-07-18T23:59:59.${String(ms).padStart(3, "0")}Z`),
  },
  fc.constantFrom(
    "2025-07-18T22:42:34+02:00",
    "2025-07-18T20:42:34.1239Z",
    "2025-07-18 20:42:34Z",
    "2025-07-18T20:42:34",
  ),
  fc.constantFrom("2025-07-18T24:00:00Z", "2025-07-18T20:42:60Z", "2025-02-30T00:00:00Z", "1999-01-01T00:00:00Z", ""),
  fc.constantFrom("2025-07-21T00:00:00Z", "2025-07-21T00:00:00.001Z", "2025-07-18T20:42:34Z "),
);

/** Damage to a finished line. */
const damage = fc.oneof(
  { weight: 30, arbitrary: fc.constant((line: string) => line) },
  fc
    .nat()
    .map((at) => (line: string) => line.slice(0, at % (line.length + 1)) + line.slice((at % (line.length + 1)) + 1)),
  fc.tuple(fc.nat(), fc.constantFrom('"', '""', ",", "\n", "\r\n", "\r", "é", "\0", "x", " ")).map(
    ([at, text]) =>
      (line: string) =>
        line.slice(0, at % (line.length + 1)) + text + line.slice(at % (line.length + 1)),
  ),
  fc.nat().map((at) => (line: string) => line.slice(0, at % (line.length + 1))),
  fc.constantFrom(
    (line: string) => `${line},`,
    () => "",
    () => '"',
    () => "\uFEFF",
    () => "x".repeat(70_000),
  ),
);

const line = fc.record({
  gpu: fc.nat({ max: 4 }),
  given: fc.record({
    timestamp: time,
    value,
    metric_name: fc.constantFrom("DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_XID_ERRORS"),
    Hostname: fc.oneof(
      { weight: 8, arbitrary: fc.constant("node-1") },
      fc.constantFrom("a,b", 'q"q', "π", "two\nlines"),
    ),
    pod: fc.constantFrom("", "", "", "trainer-0"),
  }),
  style: fc.constantFrom("all", "all", "all", "sparse" as const),
  end: fc.constantFrom("\n", "\n", "\n", "\r\n"),
  damage,
  bytes: fc.oneof({ weight: 40, arbitrary: fc.constant(undefined) }, fc.nat()),
});

const order = fc.oneof(
  { weight: 3, arbitrary: fc.constant(columns) },
  fc.shuffledSubarray([...columns, "extra"], { minLength: 13 }),
);

/** Lines repeat like ticks do, so that row shapes are predicted and found; some lines are damaged. */
export const anyCsv: fc.Arbitrary<Buffer> = fc
  .record({
    order,
    lines: fc.array(line, { minLength: 1, maxLength: 12 }),
    separator: fc.constantFrom(",", ",", ",", ";", "\t", "|"),
    rounds: fc.nat({ max: 5 }),
    last: fc.boolean(),
  })
  .map(({ order, separator, lines, rounds, last }) => {
    const plain = lines.map((one) => ({ ...one, damage: (text: string) => text, bytes: undefined }));
    const all = [...Array.from({ length: rounds }, () => plain).flat(), ...lines, ...(rounds > 2 ? plain : [])];
    const parts = all.map(({ gpu, given, style, end, damage, bytes }) => {
      const fields = rowFields(gpu, given);
      const write = (text: string) => (style === "all" || /[",;\t|\n]/.test(text) ? quoted(text) : text);
      const written = Buffer.from(damage(order.map((name) => write(fields[name] ?? "")).join(separator)) + end);
      if (bytes !== undefined && written.length > 2) written[bytes % (written.length - 2)] = 0xff;
      return written;
    });
    const bytes = Buffer.concat([Buffer.from(`${order.join(separator)}\n`), ...parts]);
    return last ? bytes : bytes.subarray(0, -1);
  });
