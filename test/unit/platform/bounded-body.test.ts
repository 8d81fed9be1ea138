import { describe, expect, test } from "bun:test";
import { limitBody } from "../../../services/platform/graphql/limits.ts";
import { withBoundedBody } from "../../../services/platform/http/bounded-body.ts";

/** A body of which `parts` come; then it ends, or nothing does. */
const asking = (
  parts: readonly string[],
  { ends, headers = {} }: { ends: boolean; headers?: Record<string, string> },
) =>
  new Request("http://api.local/graphql", {
    method: "POST",
    headers,
    body: new ReadableStream({
      start(controller) {
        for (const part of parts) controller.enqueue(new TextEncoder().encode(part));
        if (ends) controller.close();
      },
    }),
  });

describe("withBoundedBody()", () => {
  test("gives the request with all of its body", async () => {
    const request = await withBoundedBody(asking(["{}", " "], { ends: true, headers: { accept: "a/b" } }), 3);
    expect([request?.method, request?.headers.get("accept"), await request?.text()]).toEqual(["POST", "a/b", "{} "]);
  });

  test("returns null for a body that is too large, with and without a content-length", async () => {
    expect(await withBoundedBody(asking(["{}", "  "], { ends: false }), 3)).toBeNull();
    const told = asking(["{}"], { ends: false, headers: { "content-length": "4" } });
    expect(await withBoundedBody(told, 3)).toBeNull();
  });

  test("does not wait without end for a body that does not arrive", async () => {
    for (const headers of [{}, { "content-length": "100" }] as Record<string, string>[]) {
      const late = withBoundedBody(asking(["{"], { ends: false, headers }), 1000, 20);
      await expect(late).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("20ms") });
    }
  });
});

test("limitBody() calls a body that breaks off its sender's mistake, not ours", async () => {
  const body = new ReadableStream({ pull: (controller) => controller.error(new Error("connection reset")) });
  const request = new Request("http://api.local/graphql", { method: "POST", body });
  const response = await limitBody(request, 1000, () => new Response("answered"));
  expect([response.status, await response.text()]).toEqual([400, expect.stringContaining("BAD_USER_INPUT")]);
});
