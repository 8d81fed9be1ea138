/** What Linux knows of a running process. */
import { readFileSync } from "node:fs";

/** USER_HZ: what `/proc/PID/stat` counts in, 100 on every Linux that we know. */
const TICKS_PER_S = 100;
const SAMPLE_MS = 20;

/** User and system time of all threads so far, seconds. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in brackets may hold spaces; utime and stime are the 14th and 15th field.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

/** The same of a process that may have ended: then null. */
function cpuSecondsSoFar(pid: number): number | null {
  try {
    return cpuSeconds(pid);
  } catch {
    return null;
  }
}

/** A size that `/proc/PID/status` names, bytes; null when the process has ended. */
function statusBytes(pid: number, name: "VmHWM" | "VmRSS"): number | null {
  try {
    const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return match === null ? null : Number(match[1]) * 1024;
  } catch {
    return null;
  }
}

/** The most memory that was resident at once so far, bytes; null when the process has ended. */
export const peakBytes = (pid: number): number | null => statusBytes(pid, "VmHWM");

/** What is resident now, bytes; null when the process has ended. */
export const residentBytes = (pid: number): number | null => statusBytes(pid, "VmRSS");

/** Watches a process to its end. @returns a function that stops watching and gives the CPU seconds last seen */
export function watchCpu(pid: number): () => number {
  let seconds = 0;
  const look = () => {
    seconds = Math.max(seconds, cpuSecondsSoFar(pid) ?? 0);
  };
  const timer = setInterval(look, SAMPLE_MS);
  return () => {
    clearInterval(timer);
    return seconds;
  };
}

/**
 * Watches a process to its end. The kernel's own figure for a child that has ended (ru_maxrss) will not do: it begins
 * with the size of the process that forked it.
 * @returns a function that stops watching and gives the peak seen
 */
export function watchPeak(pid: number): () => number {
  let peak = 0;
  const look = () => {
    peak = Math.max(peak, peakBytes(pid) ?? 0);
  };
  const timer = setInterval(look, SAMPLE_MS);
  return () => {
    clearInterval(timer);
    look();
    return peak;
  };
}
