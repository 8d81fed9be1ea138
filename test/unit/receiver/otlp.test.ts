/** OTLP over HTTP, in protobuf and JSON. */
import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { otlpJson, otlpProtobuf } from "../../support/receiver/otlp-requests.ts";
import { startReceiver } from "../../support/receiver/receiver.ts";
import { GPU, gpuLabels, TEMP } from "../../support/receiver/write-requests.ts";
import { seeded } from "../../support/time/seeded.ts";

const AT = Date.UTC(2026, 6, 18, 20, 42, 34);
const { __name__: _, ...attributes } = gpuLabels();
const GPU_ATTRIBUTES = { "gpu.uuid": GPU, "gpu.number": "0", "gpu.model": "NVIDIA H100" };

const ENCODINGS = [
  { name: "protobuf", type: "application/x-protobuf", encode: otlpProtobuf },
  { name: "JSON", type: "application/json", encode: otlpJson },
] as const;

function start() {
  const started = startReceiver();
  const post = (body: Uint8Array, type: string, headers: Readonly<Record<string, string>> = {}) =>
    started.receiver.fetch(
      new Request("http://127.0.0.1/v1/metrics", {
        method: "POST",
        headers: { "content-type": type, ...headers },
        body: new Uint8Array(body),
      }),
    );
  return { ...started, post };
}

for (const { name, type, encode } of ENCODINGS) {
  test(`${name}: metrics as the Collector has scraped them are recorded, and the answer is empty`, async () => {
    const { post, readings, marks, batches } = start();
    const body = encode(
      [
        { name: TEMP, attributes, at: AT, value: 41 },
        { name: TEMP, attributes, at: AT + 15_000, value: 42, isInteger: true },
        { name: "DCGM_FI_DEV_XID_ERRORS", kind: "cumulative", attributes, at: AT, value: 3 },
        { name: TEMP, attributes, at: AT + 30_000, value: 0, flags: 1 },
        { name: "go_goroutines", at: AT, value: 7 },
      ],
      { "service.name": "dcgm", "k8s.node.name": "node-7" },
    );
    const response = await post(body, type);
    expect([response.status, await response.text()]).toEqual([200, name === "JSON" ? "{}" : ""]);
    expect(response.headers.get("content-type")).toStartWith(type);
    expect([readings(), marks()]).toEqual([
      [
        [`${GPU} ${TEMP} ${AT}`, 41],
        [`${GPU} ${TEMP} ${AT + 15_000}`, 42],
        [`${GPU} DCGM_FI_DEV_XID_ERRORS ${AT}`, 3],
      ].sort(([a = ""], [b = ""]) => (a < b ? -1 : 1)) as [string, number][],
      1,
    ]);
    expect(batches()[0]?.sightings[0]?.facts).toMatchObject({ uuid: GPU, host: "node-1" });
  });

  test(`${name}: names and units of other conventions become those of DCGM`, async () => {
    const { post, readings } = start();
    const state = (value: string) => ({ ...GPU_ATTRIBUTES, "gpu.memory.state": value });
    const response = await post(
      encode([
        { name: "gpu.dcgm.utilization", attributes: GPU_ATTRIBUTES, at: AT, value: 0.57 },
        {
          name: "gpu.dcgm.memory.bytes_used",
          attributes: state("used"),
          at: AT,
          value: 80 * 1024 ** 3,
          isInteger: true,
        },
        { name: "gpu.dcgm.energy_consumption", kind: "cumulative", attributes: GPU_ATTRIBUTES, at: AT, value: 12.5 },
        { name: "gpu.dcgm.clock.frequency", attributes: GPU_ATTRIBUTES, at: AT, value: 1410e6 },
        {
          name: "gpu.dcgm.pipe.utilization",
          attributes: { ...GPU_ATTRIBUTES, "gpu.pipe": "tensor" },
          at: AT,
          value: 0.3,
        },
        { name: "hw.gpu.memory.limit", attributes: { "hw.id": GPU }, at: AT, value: 1024 ** 3 },
        { name: "hw.power", attributes: { "hw.id": GPU, "hw.type": "gpu" }, at: AT, value: 700 },
        { name: "hw.power", attributes: { "hw.id": "cpu0", "hw.type": "cpu" }, at: AT, value: 200 },
        { name: "gpu.dcgm.memory.bytes_used", attributes: state("unknown"), at: AT, value: 1 },
      ]),
      type,
    );
    expect(response.status).toBe(200);
    expect(readings()).toEqual(
      (
        [
          ["DCGM_FI_DEV_FB_TOTAL", 1024],
          ["DCGM_FI_DEV_FB_USED", 81_920],
          ["DCGM_FI_DEV_GPU_UTIL", 57],
          ["DCGM_FI_DEV_POWER_USAGE", 700],
          ["DCGM_FI_DEV_SM_CLOCK", 1410],
          ["DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", 12_500],
          ["DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", 0.3],
        ] as const
      ).map(([metric, value]) => [`${GPU} ${metric} ${AT}`, value]),
    );
  });

  test(`${name}: points that are refused are counted in the answer, and the rest is recorded`, async () => {
    const { post, readings } = start();
    const response = await post(
      encode([
        { name: TEMP, attributes, at: AT, value: 41 },
        { name: "DCGM_FI_DEV_XID_ERRORS", kind: "delta", attributes, at: AT, value: 1 },
        { name: TEMP, kind: "histogram", attributes, at: AT, value: 1 },
        { name: TEMP, attributes, at: AT + 1, value: 9000 },
      ]),
      type,
    );
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text).toContain("sum must be cumulative");
    if (name === "JSON") expect(JSON.parse(text).partialSuccess.rejectedDataPoints).toBe("3");
    else expect([...Buffer.from(text).subarray(2, 4)]).toEqual([0x08, 3]);
    expect(readings()).toEqual([[`${GPU} ${TEMP} ${AT}`, 41]]);
  });

  test(`${name}: gzip is decompressed within the bound, and damaged bodies are 400`, async () => {
    const { post, readings } = start();
    const body = encode([{ name: TEMP, attributes, at: AT, value: 41 }]);
    expect((await post(gzipSync(body), type, { "content-encoding": "gzip" })).status).toBe(200);
    expect(readings().length).toBe(1);
    expect((await post(body, type, { "content-encoding": "gzip" })).status).toBe(400);
    expect((await post(gzipSync(new Uint8Array(65 * 1024 * 1024)), type, { "content-encoding": "gzip" })).status).toBe(
      413,
    );
    expect((await post(body.subarray(0, -3), type)).status).toBe(400);
    expect((await post(body, type, { "content-encoding": "zstd" })).status).toBe(415);
    expect((await post(body, "text/plain")).status).toBe(415);
  });

  test(`${name}: random changes of requests are answered 200 or 400`, async () => {
    const random = seeded(`hostile OTLP in ${name}`);
    const { post } = start();
    const body = encode([{ name: TEMP, kind: "cumulative", attributes, at: AT, value: 41 }], { "service.name": "a" });
    for (let round = 0; round < 500; round++) {
      const damaged = Uint8Array.from(body);
      damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
      expect([200, 400]).toContain((await post(damaged, type)).status);
    }
  });
}
