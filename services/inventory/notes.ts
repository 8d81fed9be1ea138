/** Says which names of a filter nothing has ever had. */
import { notesOnUnknown } from "../../schema/model/known-names.ts";
import type { GpuFilter, NameRepository } from "../repository/port.ts";

export type NamesFilter = Pick<GpuFilter, "hostname" | "model" | "namespace" | "pod" | "job">;

export type NotesOn = (filter: NamesFilter, signal: AbortSignal | undefined) => Promise<string[]>;

export const createNotes =
  (repository: NameRepository): NotesOn =>
  async (filter, signal) => {
    const asked = Object.fromEntries(Object.entries(filter).map(([kind, name]) => [kind, [name]]));
    return [...(await notesOnUnknown(asked, (kind, query) => repository.names(kind, query), signal))];
  };
