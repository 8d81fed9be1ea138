import { describe, expect, test } from "bun:test";
import { type LogFormat, openLogger } from "../../../services/platform/process/logger.ts";

/** Returns the log text of a row whose fields erase the screen, forge a line and reverse the text after them. */
async function written(format: LogFormat): Promise<string> {
  const lines: string[] = [];
  const log = await openLogger("streamer", { level: "info", format, write: (line) => void lines.push(line) });
  const source = "a\x1b[2J\n2025-01-01 ERR forged\r\x9b2J\u202e.csv";
  const error = new Error("bad\x1b]0;title\x07", { cause: new Error("below\n\x1b[31m") });
  log.warn("row skipped", { source, "field\x1b": ["\x1b", { deep: "\x9b" }], error });
  return lines.join("");
}

describe("openLogger() with fields from data", () => {
  for (const format of ["text", "json"] as const) {
    test(`${format}: writes one line without control characters and marks of text direction`, async () => {
      const output = await written(format);
      expect(output.endsWith("\n")).toBeTrue();
      expect(output.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
      expect(output).toContain("a\\u001b[2J\\n2025-01-01 ERR forged\\r\\u009b2J\\u202e.csv");
    });
  }

  test("json: keeps every value", async () => {
    const { source, error, cause } = JSON.parse(await written("json"));
    expect(source).toBe("a\x1b[2J\n2025-01-01 ERR forged\r\x9b2J\u202e.csv");
    expect(JSON.stringify({ error, cause })).toContain("bad\\u001b]0;title\\u0007");
  });
});
