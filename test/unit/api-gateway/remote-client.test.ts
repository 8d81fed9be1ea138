import { expect, test } from "bun:test";
import { parse } from "graphql";
import { createBytesUnderWay } from "../../../services/api-gateway/subgraphs/answer-budget.ts";
import { createRemoteHttp } from "../../../services/api-gateway/subgraphs/http.ts";
import { Answer } from "../../../services/platform/graphql/answer.ts";
import { systemClock } from "../../../services/platform/process/clock.ts";
import { silentLogger } from "../../../services/platform/process/logger.ts";

test("a request to a subgraph names the client on whose behalf it is, if there is one", async () => {
  const named: (string | null)[] = [];
  using server = Bun.serve({
    port: 0,
    fetch(request) {
      named.push(request.headers.get("client"));
      return Response.json({ data: { a: 1 } });
    },
  });
  const ask = createRemoteHttp({
    name: "telemetry",
    url: String(server.url),
    token: null,
    log: silentLogger,
    clock: systemClock,
    underWay: createBytesUnderWay(systemClock),
    onRequest: () => {},
  });
  const request = { document: parse("{ a }"), variables: {} };
  for (const client of ["192.0.2.1", "2001:db8::/64"]) {
    using answer = new Answer({ client });
    expect(await ask(request, { answer })).toEqual({ data: { a: 1 } });
  }
  await ask(request, {});
  expect(named).toEqual(["192.0.2.1", "2001:db8::/64", null]);
});
