import { expect, test } from "bun:test";
import { readQueueClientConfig } from "../../../services/queue/config.ts";

test("readQueueClientConfig() defaults to queue-service's address, and reads another with its token", () => {
  expect(readQueueClientConfig({})).toEqual({ kind: "http", url: "http://queue-service:8080", token: null });
  expect(readQueueClientConfig({ QUEUE_SERVICE_URL: "https://queue.example/", INTERNAL_TOKEN: "inner" })).toEqual({
    kind: "http",
    url: "https://queue.example/",
    token: "inner",
  });
});

test("readQueueClientConfig() refuses other addresses than HTTP, and hides them", () => {
  for (const url of ["queue-service:8080", "redis://queue:6379", "queue"]) {
    expect(() => readQueueClientConfig({ QUEUE_SERVICE_URL: url })).toThrow(
      "QUEUE_SERVICE_URL must be a URL such as http://host:8080, got (hidden)",
    );
  }
});
