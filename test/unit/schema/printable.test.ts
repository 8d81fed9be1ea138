import { expect, test } from "bun:test";
import fc from "fast-check";
import { isPrintable, printable } from "../../../schema/model/printable.ts";

test("printable() escapes control characters, separators of lines and marks of text direction, and nothing else", () => {
  expect(printable("a\x1b[2J\nb\t\x7f\x9b2J\0")).toBe("a\\u001b[2J\\nb\\t\\u007f\\u009b2J\\u0000");
  expect(printable("\u202egnp.exe\u2066\u200e\u061c\u2028")).toBe("\\u202egnp.exe\\u2066\\u200e\\u061c\\u2028");
  for (const text of ["NVIDIA H100 80GB HBM3", "naïve 数据 😀", 'back\\slash "quoted"', "عربي", "a\u00a0b"]) {
    expect([printable(text), isPrintable(text)]).toEqual([text, true]);
  }
});

test("printable() leaves JSON the same value", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string({ unit: "binary" }), (value, text) => {
      const json = printable(JSON.stringify([value, text]));
      expect(isPrintable(json)).toBeTrue();
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify([value, text])));
    }),
  );
});
