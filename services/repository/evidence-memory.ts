/**
 * Remembers what blocks of each GPU said of its holders. Nearly every block says what one before it said: it then gets
 * the same object, of which texts and ids are known, after a few comparisons.
 */
import { type Evidence, sameEvidence } from "../../schema/batch/evidence.ts";
import type { GpuUuid } from "../../schema/model/gpu.ts";

/** Evidence per GPU: batches may report its metrics in several parts. */
const EVIDENCE_MAX = 4;
/** GPUs, some hundred bytes each, above which all is forgotten. */
const GPUS_MAX = 20_000;

export class EvidenceMemory {
  readonly #known = new Map<GpuUuid, Evidence[]>();

  /** Returns the evidence, as an equal object that it has returned before if there is one. */
  of(gpu: GpuUuid, evidence: Evidence | null): Evidence | null {
    if (evidence === null) return null;
    let known = this.#known.get(gpu);
    if (known === undefined) {
      if (this.#known.size >= GPUS_MAX) this.#known.clear();
      known = [];
      this.#known.set(gpu, known);
    }
    for (const one of known) if (one === evidence || sameEvidence(one, evidence)) return one;
    known.unshift(evidence);
    if (known.length > EVIDENCE_MAX) known.pop();
    return evidence;
  }
}
