import { expect, test } from "bun:test";
import {
  type EndpointSlice,
  parseSlice,
  targetsOf,
} from "../../../services/scraper/targets/kubernetes/endpoint-slices.ts";

const SERVICE = { namespace: "gpus", service: "dcgm", port: undefined as string | undefined };

function sliceOf(given: Partial<EndpointSlice>): EndpointSlice {
  const slice = parseSlice({
    metadata: { name: "dcgm-1" },
    endpoints: [{ addresses: ["10.0.0.1"] }],
    ports: [{ name: "metrics", port: 9400 }],
    ...given,
  });
  if (!slice.ok) throw new Error(slice.error);
  return slice.value;
}

function urlsOf(slices: readonly EndpointSlice[], port?: string): readonly string[] | string {
  const targets = targetsOf(slices, { ...SERVICE, port });
  return targets.ok ? targets.value.map(({ url }) => url) : targets.error;
}

test("targetsOf() takes the only port, the one for metrics, or the one that is named", () => {
  const several = [
    { name: "http", port: 80 },
    { name: "gpu-metrics", port: 9400, appProtocol: "https" },
  ];
  expect(urlsOf([sliceOf({ ports: [{ name: "", port: 1234 }] })])).toEqual(["http://10.0.0.1:1234/metrics"]);
  expect(urlsOf([sliceOf({ ports: several })])).toEqual(["https://10.0.0.1:9400/metrics"]);
  expect(urlsOf([sliceOf({ ports: several })], "http")).toEqual(["http://10.0.0.1/metrics"]);
  expect(urlsOf([sliceOf({ ports: several })], "9400")).toEqual(["https://10.0.0.1:9400/metrics"]);
  expect(urlsOf([sliceOf({ ports: several })], "grpc")).toBe(
    "EndpointSlice dcgm-1 must have one port grpc, got http, gpu-metrics",
  );
  expect(urlsOf([sliceOf({ ports: null })])).toBe("EndpointSlice dcgm-1 must have one port for metrics, got none");
  expect(urlsOf([sliceOf({ ports: null, endpoints: null })])).toEqual([]);
});

test("targetsOf() leaves out endpoints that do not serve", () => {
  const endpoints = [
    { addresses: ["10.0.0.1"], conditions: { ready: false } },
    { addresses: ["10.0.0.2"], conditions: { ready: false, serving: true } },
    { addresses: ["10.0.0.3"], conditions: {} },
  ];
  expect(urlsOf([sliceOf({ endpoints })])).toEqual(["http://10.0.0.2:9400/metrics", "http://10.0.0.3:9400/metrics"]);
});

test("targetsOf() takes a pod with two addresses once, by IPv4", () => {
  const targetRef = { kind: "Pod", name: "dcgm-x" };
  const six = sliceOf({ endpoints: [{ addresses: ["fd00::1"], targetRef }] });
  const four = sliceOf({ endpoints: [{ addresses: ["10.0.0.1"], targetRef }] });
  expect(urlsOf([six])).toEqual(["http://[fd00::1]:9400/metrics"]);
  for (const slices of [
    [six, four],
    [four, six],
  ])
    expect(urlsOf(slices)).toEqual(["http://10.0.0.1:9400/metrics"]);
});

test("parseSlice() refuses other values", () => {
  for (const value of [null, {}, { metadata: { name: 1 } }, { metadata: { name: "a" }, endpoints: [{}] }]) {
    expect(parseSlice(value).ok).toBe(false);
  }
});
