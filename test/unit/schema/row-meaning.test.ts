import { describe, expect, test } from "bun:test";
import type { RowIdentity } from "../../../schema/dcgm/row.ts";
import { CARD, FORMS, identify, type Labels, UUID } from "../../support/sources/labelled-rows.ts";

const UTIL = "DCGM_FI_DEV_GPU_UTIL";
const HEALTH = "DCGM_EXP_GPU_HEALTH_STATUS";
const POWER = "DCGM_FI_DEV_POWER_USAGE";
const EXPORTER = { pod: "nvidia-dcgm-exporter-k2x7f", namespace: "monitoring", container: "exporter" };

const without = (labels: Labels, ...names: string[]): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => !names.includes(name)));

describe.each(Object.entries(FORMS))("a row in the form %s", (_, form) => {
  const read = (metric: string, labels: Labels): RowIdentity => {
    const identity = identify(form, metric, labels);
    if ("reason" in identity) throw new Error(identity.detail);
    return identity;
  };
  const seriesOf = (metric: string, labels: Labels) => String(read(metric, labels).series);
  const holderOf = (labels: Labels, metric = UTIL) => {
    const [holder] = read(metric, labels).holders;
    return holder?.kind === "pod" ? [holder.namespace, holder.pod, holder.container] : [null, null, null];
  };
  const faultOf = (metric: string, labels: Labels) => {
    const identity = identify(form, metric, labels);
    return "reason" in identity ? identity.reason : String(identity.facts.uuid);
  };

  test("has its facts", () => {
    expect(read(UTIL, CARD).facts).toEqual({
      uuid: UUID as never,
      index: "2",
      device: "nvidia2",
      model: "NVIDIA L40S",
      host: "rack7-n3",
      driver: "570.86.15",
      instance: null,
      pciBusId: "00000000:3B:00.0",
      profile: null,
      labels: null,
    });
    expect(read(UTIL, CARD).holders).toEqual([]);
  });

  test.each([
    [UTIL, { vgpu: "1", pod: "a", namespace: "n", container: "c" }, `${UTIL}{vgpu="1"}`],
    [UTIL, { vgpu: "", pod: "a", team: "vision", pod_template_hash: "5d8f" }, UTIL],
    [POWER, { GPU_I_ID: "11", GPU_I_PROFILE: "1g.12gb", pod: "tts" }, `${POWER}{GPU_I_ID="11"}`],
    [
      "DCGM_FI_DEV_NVLINK_TX_BYTES",
      { nvlink: "3", nvswitch: "1" },
      'DCGM_FI_DEV_NVLINK_TX_BYTES{nvlink="3",nvswitch="1"}',
    ],
    [HEALTH, { health_watch: "PCIE", health_error_code: "DCGM_FR_OK" }, `${HEALTH}{health_watch="PCIE"}`],
    [HEALTH, { health_watch: "MEM", health_error_code: "X", pod: "a", owner: "b" }, `${HEALTH}{health_watch="MEM"}`],
    ["DCGM_EXP_P2P_STATUS", { peer_gpu: "4", link_status: "OK" }, 'DCGM_EXP_P2P_STATUS{peer_gpu="4"}'],
    [
      "DCGM_EXP_XID_ERRORS_COUNT",
      { xid: "79", window_size_in_ms: "300000", pod: "a" },
      'DCGM_EXP_XID_ERRORS_COUNT{window_size_in_ms="300000",xid="79"}',
    ],
    [
      "DCGM_EXP_CLOCK_EVENTS_COUNT",
      { clock_event: "sw_thermal", window_size_in_ms: "60000", pod: "a" },
      'DCGM_EXP_CLOCK_EVENTS_COUNT{clock_event="sw_thermal",window_size_in_ms="60000"}',
    ],
    ["DCGM_FI_DEV_XID_ERRORS", { err_code: "31", err_msg: "GPU memory page fault" }, "DCGM_FI_DEV_XID_ERRORS"],
    [UTIL, { job: "dcgm", instance: "10.1.2.3:9400", prometheus_replica: "b", __meta_x: "y", service: "s" }, UTIL],
    [UTIL, { dra_claim_name: "c-1", hpc_job: "8", cluster: "eu", node: "n" }, UTIL],
    ["nvidia_smi_memory_used_bytes", { serial: "16", job: "smi" }, 'nvidia_smi_memory_used_bytes{serial="16"}'],
    [
      "process_memory_bytes",
      { pid: "4711", exported_pod: "a", exported_namespace: "n", ...EXPORTER, pod_uid: "u", hpc_job: "9" },
      'process_memory_bytes{hpc_job="9",namespace="n",pid="4711",pod="a",pod_uid="u"}',
    ],
    [
      "my_metric",
      { pod_name: "a", pod_namespace: "n", container_name: "c" },
      'my_metric{container="c",namespace="n",pod="a"}',
    ],
    ["my_metric", EXPORTER, "my_metric"],
  ])("%s with %j is one series", (metric, labels, series) => {
    expect(seriesOf(metric as string, { ...CARD, ...(labels as Labels) })).toBe(series as string);
  });

  test.each([
    ["a pod", { pod: "train-0", namespace: "ml", container: "torch" }, ["ml", "train-0", "torch"]],
    ["only the exporter's target", EXPORTER, [null, null, null]],
    ["an exporter known by its container", { ...EXPORTER, pod: "ds-1", container: "gpu-exporter" }, [null, null, null]],
    ["another exporter", { pod: "x-nvidia_gpu_exporter-1", namespace: "o" }, [null, null, null]],
    [
      "exported labels beside the target's",
      { ...EXPORTER, exported_pod: "train-0", exported_namespace: "ml", exported_container: "torch" },
      ["ml", "train-0", "torch"],
    ],
    ["exported labels beside any target", { pod: "agent", namespace: "o", exported_pod: "w-1" }, [null, "w-1", null]],
    ["empty exported labels", { ...EXPORTER, exported_pod: "", exported_namespace: "" }, [null, null, null]],
    ["empty exported labels of a held GPU", { pod: "w-1", namespace: "ml", exported_pod: "" }, ["ml", "w-1", null]],
    [
      "an exporter's name in exported labels",
      { exported_pod: "dcgm-exporter-tests-0", exported_namespace: "ci", ...EXPORTER },
      ["ci", "dcgm-exporter-tests-0", null],
    ],
    ["old names", { pod_name: "rank-0", pod_namespace: "s", container_name: "grpc" }, ["s", "rank-0", "grpc"]],
    ["old names beside the target's", { ...EXPORTER, pod_name: "rank-0", pod_namespace: "s" }, ["s", "rank-0", null]],
    [
      "old names of the target",
      { pod_name: EXPORTER.pod, pod_namespace: "o", pod: "w-1", namespace: "ml" },
      ["ml", "w-1", null],
    ],
    ["old names of the target alone", { pod_name: "w-1", container_name: "gpu-exporter" }, [null, null, null]],
    [
      "a pod beside an old name of its container",
      { pod: "w-1", namespace: "ml", container_name: "c" },
      ["ml", "w-1", null],
    ],
    ["only a namespace", { namespace: "ml" }, ["ml", null, null]],
    ["a Slurm job", { hpc_job: "1200" }, [null, null, null]],
    ["a Slurm job beside the target's", { ...EXPORTER, hpc_job: "1200" }, [null, null, null]],
  ])("names the holder of %s", (_name, labels, holder) => {
    expect(holderOf({ ...CARD, ...(labels as Labels) })).toEqual(holder as (string | null)[]);
  });

  test.each([
    ["Hostname", { Hostname: "n-1", node: "other", instance: "x:9400" }, "n-1"],
    ["hostname", { hostname: "n-1" }, "n-1"],
    ["node", { Hostname: "dcgm-exporter-zz9", node: "n-1", kubernetes_node: "k", instance: "x:9400" }, "n-1"],
    ["hostname beside a pod's Hostname", { Hostname: "dcgm-exporter-zz9", hostname: "n-1", node: "x" }, "n-1"],
    ["kubernetes_node", { hostname: "nvidia-dcgm-exporter-zz9", kubernetes_node: "n-1", instance: "x:9400" }, "n-1"],
    ["instance", { Hostname: "gpu-exporter-zz9", instance: "n-1:9400" }, "n-1"],
    ["instance without a port", { instance: "n-1" }, "n-1"],
    ["an address of IPv6", { instance: "[fd00::7]:9400" }, "fd00::7"],
    ["node if Hostname is empty", { Hostname: "", node: "n-1" }, "n-1"],
    ["the exporter's pod if nothing else does", { Hostname: "dcgm-exporter-zz9" }, "dcgm-exporter-zz9"],
    ["nothing", {}, ""],
  ])("names the host by %s", (_name, labels, host) => {
    expect(read(UTIL, { ...without(CARD, "Hostname"), ...(labels as Labels) }).facts.host).toBe(host);
  });

  const BARE = UUID.slice(4);
  const MIG = "MIG-11111111-55aa-4d31-8f10-00000000c0de";
  test.each([
    ["a uuid without its prefix", { UUID: BARE }, UUID],
    ["a uuid in capitals", { UUID: UUID.toUpperCase() }, UUID],
    ["a uuid in small letters", { UUID: UUID.toLowerCase() }, UUID],
    ["uuid", { uuid: UUID }, UUID],
    ["gpu_uuid", { gpu_uuid: UUID }, UUID],
    ["gpuuuid", { gpuuuid: BARE }, UUID],
    ["a MIG uuid of NVML", { UUID: MIG }, MIG],
    ["a MIG uuid beside its GPU's", { uuid: MIG, gpu_uuid: UUID }, UUID],
    ["an old MIG uuid", { UUID: `MIG-${UUID}/7/0` }, UUID],
    ["host and index", { Hostname: "n-1", gpu: "5" }, "HOST-n-1-5"],
    ["cluster, host and index", { Hostname: "n-1", gpu: "5", cluster: "eu-2" }, "HOST-eu-2:n-1-5"],
    [
      "a cluster whose name has slashes",
      { Hostname: "n-1", gpu: "5", cluster: "a:b/prod eu" },
      "HOST-a:b_prod_eu:n-1-5",
    ],
    ["node and index", { Hostname: "dcgm-exporter-1", node: "n-1", gpu: "5" }, "HOST-n-1-5"],
    ["host and index of an NVLink", { Hostname: "n-1", gpu: "5", nvlink: "2" }, "HOST-n-1-5"],
    ["a malformed uuid", { UUID: "GPU-1", Hostname: "n-1", gpu: "5" }, "uuid"],
    ["a uuid that says not available", { UUID: "N/A", Hostname: "n-1", gpu: "5" }, "uuid"],
    ["a uuid with a space", { UUID: ` ${UUID}` }, "uuid"],
    ["an index without a host", { gpu: "5" }, "uuid"],
    ["an index in the exporter's pod", { Hostname: "dcgm-exporter-1", gpu: "5" }, "uuid"],
    ["a host without an index", { Hostname: "n-1" }, "uuid"],
    ["an index that is no number", { Hostname: "n-1", gpu: "nvidia5" }, "uuid"],
    ["a CPU", { hostname: "n-1", cpu: "0" }, "other_device"],
    ["a core of a CPU", { hostname: "n-1", cpu: "0", cpucore: "17" }, "other_device"],
    ["a CPU with an index", { hostname: "n-1", cpu: "0", gpu: "0" }, "other_device"],
    ["an NVSwitch", { hostname: "n-1", nvswitch: "nvswitch0" }, "other_device"],
    ["a link of an NVSwitch", { hostname: "n-1", nvswitch: "nvswitch0", nvlink: "4" }, "other_device"],
  ])("names the GPU by %s", (_name, labels, uuid) => {
    expect(faultOf(UTIL, labels as Labels)).toBe(uuid);
  });

  test.each(["DCGM_FI_DEV_CPU_UTIL_TOTAL", "DCGM_FI_DEV_NVSWITCH_POWER_VDD", "node_load1"])(
    "of %s without a device is of no GPU",
    (metric) => expect(faultOf(metric, { hostname: "n-1" })).toBe("other_device"),
  );

  test.each(["DCGM_FI_DEV_CPU_TEMP_CURRENT", "DCGM_FI_DEV_NVSWITCH_TEMPERATURE_CURRENT"])(
    "of %s with the number of its device is of no GPU",
    (metric) => expect(faultOf(metric, { hostname: "n-1", gpu: "0" })).toBe("other_device"),
  );

  test("of the old MIG uuid has the instance in its series", () => {
    expect(seriesOf(UTIL, { ...CARD, UUID: `MIG-${UUID}/7/0` })).toBe(`${UTIL}{GPU_I_ID="7"}`);
    expect(seriesOf(UTIL, { ...CARD, UUID: `MIG-${UUID}/7/0`, GPU_I_ID: "9" })).toBe(`${UTIL}{GPU_I_ID="9"}`);
  });

  test.each([
    ["dcgm_gpu_temp", "DCGM_FI_DEV_GPU_TEMP"],
    ["dcgm_gpu_utilization", UTIL],
    ["dcgm_fb_used", "DCGM_FI_DEV_FB_USED"],
    ["dcgm_fi_prof_gr_engine_active", "DCGM_FI_PROF_GR_ENGINE_ACTIVE"],
    ["dcgm_nvlink_bandwidth_total", "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL"],
    ["dcgm_retired_pages_pending", "DCGM_FI_DEV_RETIRED_PENDING"],
  ])("of %s is a reading of %s", (metric, series) => {
    const { UUID: _, ...rest } = CARD;
    const old = { ...rest, uuid: UUID, pod_name: "rank-0", pod_namespace: "s", container_name: "grpc", team: "x" };
    expect(seriesOf(metric, old)).toBe(series);
    expect(holderOf(old, metric)).toEqual(["s", "rank-0", "grpc"]);
  });
});
