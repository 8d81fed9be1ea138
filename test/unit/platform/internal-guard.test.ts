import { describe, expect, test } from "bun:test";
import { createInternalGuard } from "../../../services/platform/http/internal-guard.ts";

type Headers = Readonly<Record<string, string>>;

const ask = (headers: Headers = {}, method = "GET", url = "http://127.0.0.1:8081/v1/stats") =>
  new Request(url, { method, headers });
const onLoopback = createInternalGuard({ token: null, host: "127.0.0.1" });
const onNetwork = createInternalGuard({ token: null, host: "0.0.0.0" });
const statusOf = (request: Request, guard = onLoopback) => guard.refuse(request)?.status ?? 200;
const FORMS = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain;charset=UTF-8"];

describe("createInternalGuard() without a token", () => {
  test("accepts what our own clients, probes and Prometheus send", () => {
    const json = { "content-type": "application/json" };
    for (const guard of [onLoopback, onNetwork]) {
      expect(statusOf(ask(), guard)).toBe(200);
      expect(statusOf(ask(json, "POST"), guard)).toBe(200);
      expect(statusOf(ask({ "content-type": "application/octet-stream" }, "POST"), guard)).toBe(200);
      expect(statusOf(ask({}, "DELETE"), guard)).toBe(200);
      expect(statusOf(ask({ upgrade: "websocket", "sec-websocket-protocol": "graphql-transport-ws" }), guard)).toBe(
        200,
      );
      expect(statusOf(ask({ "user-agent": "kube-probe/1.34", accept: "*/*" }), guard)).toBe(200);
    }
  });

  test("refuses every Origin, also the server's own", () => {
    for (const origin of ["https://evil.example", "null", "http://127.0.0.1:8081", ""]) {
      for (const method of ["GET", "POST", "DELETE", "OPTIONS"]) {
        const headers = { origin, "content-type": "application/json" };
        expect([origin, method, statusOf(ask(headers, method))]).toEqual([origin, method, 403]);
      }
    }
  });

  test("refuses every Sec-Fetch-Site but none, which a browser sends for a typed address", () => {
    const statuses = ["none", "same-origin", "same-site", "cross-site"].map((site) =>
      statusOf(ask({ "sec-fetch-site": site })),
    );
    expect(statuses).toEqual([200, 403, 403, 403]);
  });

  test("refuses the content types of forms, and none at all, with every method that a page may send", () => {
    for (const type of [...FORMS, "Text/Plain", " text/plain ; x=application/json", ";application/json"]) {
      expect([type, statusOf(ask({ "content-type": type }, "POST"))]).toEqual([type, 415]);
    }
    for (const method of ["POST", "PUT", "PATCH"]) {
      expect([method, statusOf(ask({}, method))]).toEqual([method, 415]);
    }
  });

  test("refuses foreign host names on loopback only", () => {
    const hosts = ["localhost:8081", "127.0.0.1", "[::1]:8081", "evil.example", "evil.example:8081", "queue-service"];
    const statuses = (guard: typeof onLoopback) => hosts.map((host) => statusOf(ask({ host }), guard));
    expect(statuses(onLoopback)).toEqual([200, 200, 200, 421, 421, 421]);
    expect(statuses(onNetwork)).toEqual([200, 200, 200, 200, 200, 200]);
  });
});

describe("createInternalGuard() with a token", () => {
  const guard = createInternalGuard({ token: "s3cret", host: "0.0.0.0" });

  test("accepts its very bearer alone", () => {
    for (const authorization of [undefined, null, "", "s3cret", "Bearer s3cre", "Bearer s3crets"]) {
      expect([authorization, guard.allowsBearer(authorization)]).toEqual([authorization, false]);
    }
    expect(guard.allowsBearer("Bearer s3cret")).toBeTrue();
    expect([statusOf(ask(), guard), statusOf(ask({ authorization: "Bearer s3cret" }), guard)]).toEqual([401, 200]);
  });

  test("refuses pages before it looks at the token", () => {
    const authorization = "Bearer s3cret";
    expect(statusOf(ask({ authorization, origin: "https://evil.example" }), guard)).toBe(403);
    expect(statusOf(ask({ authorization, "content-type": "text/plain" }, "POST"), guard)).toBe(415);
    expect(guard.refusePage(ask())).toBeNull();
  });
});
