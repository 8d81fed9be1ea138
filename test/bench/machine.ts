/** Describes the machine that the figures come from. */
import { cpus, release, totalmem, type } from "node:os";

export const describeMachine = () => ({
  cpus: cpus().length,
  cpuModel: cpus()[0]?.model.trim() ?? "unknown",
  memoryMiB: Math.round(totalmem() / 2 ** 20),
  system: `${type()} ${release()}`,
  bun: process.versions.bun ?? null,
});

export type Machine = ReturnType<typeof describeMachine>;

export const machineLine = ({ cpus: cores, cpuModel, memoryMiB, system, bun }: Machine): string =>
  `${cores} × ${cpuModel}, ${memoryMiB} MiB, ${system}, Bun ${bun}`;
