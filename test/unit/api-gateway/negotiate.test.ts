import { describe, expect, test } from "bun:test";
import { chooseCoding, chooseMedia, isKnown } from "../../../services/api-gateway/rest/negotiation.ts";

const OFFERED = ["application/json", "text/csv", "application/x-ndjson"] as const;

describe("chooseMedia()", () => {
  for (const [accept, chosen] of [
    [null, "application/json"],
    ["  ", "application/json"],
    ["*/*", "application/json"],
    ["text/*", "text/csv"],
    ["TEXT/CSV", "text/csv"],
    ["text/csv, application/json", "application/json"],
    ["text/csv, application/json;q=0.9", "text/csv"],
    ["text/csv;q=0.1, application/x-ndjson;q=0.2", "application/x-ndjson"],
    ["application/json;q=0, */*;q=0.1", "text/csv"],
    ["application/*;q=0.3, application/json;q=0.1", "application/x-ndjson"],
    ["text/csv; header=present; q=1", "text/csv"],
    ["application/json;q=0.000", null],
    ["image/png", null],
    ["text/csv;q=2", null],
    ["nonsense", null],
    [",", null],
  ] as const) {
    test(`${accept} → ${chosen}`, () => expect(chooseMedia(accept, OFFERED)).toBe(chosen));
  }
});

describe("chooseCoding()", () => {
  for (const [acceptEncoding, chosen] of [
    [null, null],
    ["", null],
    ["gzip", "gzip"],
    ["gzip, deflate, br, zstd", "zstd"],
    ["zstd;q=0.5, gzip", "gzip"],
    ["*", "zstd"],
    ["*, zstd;q=0", "gzip"],
    ["gzip;q=0", null],
    ["gzip;q=0.5, identity", null],
    ["gzip, identity", "gzip"],
    ["br", null],
  ] as const) {
    test(`${acceptEncoding} → ${chosen}`, () => expect(chooseCoding(acceptEncoding)).toBe(chosen));
  }
});

test("isKnown() compares tags weakly, with a list or *", () => {
  const etag = 'W/"a"';
  for (const header of ['W/"a"', '"a"', '"b", W/"a"', "*", " * "])
    expect([header, isKnown(header, etag)]).toEqual([header, true]);
  for (const header of [null, "", '"b"', "a", 'W/"aa"'])
    expect([header, isKnown(header, etag)]).toEqual([header, false]);
});
