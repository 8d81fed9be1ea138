import { expect, test } from "bun:test";
import { readReceiverConfig, readReceiverProcessConfig } from "../../../services/receiver/config.ts";

test("readReceiverConfig() takes the metrics of GPUs from this machine alone, unless told otherwise", () => {
  expect(readReceiverConfig({})).toEqual({ token: null, names: null, failoverMs: 30_000 });
});

test("readReceiverConfig() takes a token, names of metrics and the failover time", () => {
  const env = { RECEIVER_TOKEN: "secret", RECEIVE_METRICS: "DCGM_*, nvidia_smi_*", HA_FAILOVER: "2m" };
  expect(readReceiverConfig(env)).toEqual({
    token: "secret",
    names: ["DCGM_*", "nvidia_smi_*"],
    failoverMs: 120_000,
  });
});

test("readReceiverConfig() names every problem at once", () => {
  expect(() => readReceiverConfig({ RECEIVE_METRICS: "a b", HA_FAILOVER: "10ms" })).toThrow(
    /RECEIVE_METRICS must be names of metrics[\s\S]*HA_FAILOVER must be a duration/,
  );
});

test("readReceiverProcessConfig() needs a token on the network", () => {
  const read = (env: Readonly<Record<string, string>>) => readReceiverProcessConfig(env, { isTerminal: false });
  expect(() => read({ HOST: "0.0.0.0" })).toThrow('RECEIVER_TOKEN must be set, because HOST is "0.0.0.0"');
  expect(read({ HOST: "0.0.0.0", RECEIVER_TOKEN: "secret" }).listen).toEqual({ port: 8080, host: "0.0.0.0" });
  expect(read({}).queue.url).toBe("http://queue-service:8080");
});
