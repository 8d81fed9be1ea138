import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeFrames, encodeFrames } from "../../../services/queue/http/frames.ts";

describe("frames", () => {
  test("decodeFrames() returns the head and the bodies that encodeFrames() was given", () => {
    fc.assert(
      fc.property(fc.json(), fc.array(fc.uint8Array(), { maxLength: 20 }), (head, bodies) => {
        const read = decodeFrames(encodeFrames(JSON.parse(head), bodies));
        expect(read.head).toEqual(JSON.parse(head));
        expect(read.bodies.map((body) => [...body])).toEqual(bodies.map((body) => [...body]));
      }),
    );
  });

  test("decodeFrames() refuses other bytes; bytes cut between two frames have fewer bodies", () => {
    const whole = encodeFrames({ a: 1 }, [Uint8Array.of(1, 2, 3), new Uint8Array(0), Uint8Array.of(9)]);
    for (let end = 0; end < whole.byteLength; end++) {
      const read = (() => {
        try {
          return decodeFrames(whole.subarray(0, end)).bodies.length;
        } catch (error) {
          return (error as { code: string }).code;
        }
      })();
      expect(read === "invalid" || (typeof read === "number" && read < 3)).toBe(true);
    }
    expect(() => decodeFrames(new Uint8Array(64 * 1024))).toThrow(/at most 1000/);
    expect(() => decodeFrames(Uint8Array.of(255, 255, 255, 255, 1))).toThrow(/must end within 5 bytes/);
  });
});
