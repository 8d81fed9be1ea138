import { expect, test } from "bun:test";
import { warnWhenOpen } from "../../../services/platform/http/internal-token.ts";
import { keptLog } from "../../support/process/kept-log.ts";

test("a service that listens to the network without INTERNAL_TOKEN says so once; others say nothing", () => {
  const warned = (host: string, token: string | null) => {
    const { log, lines } = keptLog();
    warnWhenOpen({ host, token }, log);
    return lines.map(({ method, fields }) => [method, fields.host]);
  };
  expect(warned("0.0.0.0", null)).toEqual([["warn", "0.0.0.0"]]);
  expect(warned("::", null)).toEqual([["warn", "::"]]);
  expect(warned("10.0.0.5", null)).toEqual([["warn", "10.0.0.5"]]);
  for (const host of ["127.0.0.1", "127.8.0.1", "::1", "localhost"]) expect(warned(host, null)).toEqual([]);
  expect(warned("0.0.0.0", "s3cret")).toEqual([]);
});
