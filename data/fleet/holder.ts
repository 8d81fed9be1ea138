/** Who holds a GPU: a container of a pod, or a Slurm job. */

export interface PodHolder {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** One pod name has one uid for the whole simulation. */
  readonly podUid: string;
}

export interface JobHolder {
  readonly job: string;
}

export type Holder = PodHolder | JobHolder;

export const isJob = (holder: Holder): holder is JobHolder => "job" in holder;

/** Text that is equal for equal holders. The uid is not part of a holder's identity. */
export const holderKey = (holder: Holder): string =>
  isJob(holder) ? `job ${holder.job}` : `${holder.namespace}/${holder.pod}/${holder.container}`;
