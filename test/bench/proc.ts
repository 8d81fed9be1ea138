/** Reads CPU time and memory of a running process from Linux. */
import { readFileSync } from "node:fs";

/** USER_HZ, the unit of `/proc/PID/stat`: 100 on every common Linux. */
const TICKS_PER_S = 100;
const SAMPLE_MS = 20;

/** Returns user and system time of all threads so far, seconds. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in brackets may have spaces; utime and stime are the 14th and 15th field.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

/** Returns the same as `cpuSeconds`, or null when the process has ended. */
function cpuSecondsSoFar(pid: number): number | null {
  try {
    return cpuSeconds(pid);
  } catch {
    return null;
  }
}

/** Returns a size from `/proc/PID/status`, bytes; null when the process has ended. */
function statusBytes(pid: number, name: "VmHWM" | "VmRSS"): number | null {
  try {
    const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return match === null ? null : Number(match[1]) * 1024;
  } catch {
    return null;
  }
}

/** Returns the peak of resident memory so far, bytes; null when the process has ended. */
export const peakBytes = (pid: number): number | null => statusBytes(pid, "VmHWM");

/** Returns the resident memory, bytes; null when the process has ended. */
export const residentBytes = (pid: number): number | null => statusBytes(pid, "VmRSS");

/** Samples a figure of a process until it ends. @returns a function that stops sampling and returns the maximum */
function watchMaximum(read: () => number | null): () => number {
  let maximum = 0;
  const sample = () => {
    maximum = Math.max(maximum, read() ?? 0);
  };
  const timer = setInterval(sample, SAMPLE_MS);
  return () => {
    clearInterval(timer);
    sample();
    return maximum;
  };
}

/** Watches CPU time until the process ends. @returns a function that stops watching and returns the seconds */
export const watchCpu = (pid: number): (() => number) => watchMaximum(() => cpuSecondsSoFar(pid));

/**
 * Watches resident memory until the process ends. The kernel's figure for an ended child (`ru_maxrss`) does not work
 * here, because it starts at the size of the parent.
 * @returns a function that stops watching and returns the peak, bytes
 */
export const watchPeak = (pid: number): (() => number) => watchMaximum(() => peakBytes(pid));
