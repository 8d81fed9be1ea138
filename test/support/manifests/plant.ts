/** Plants a defect in manifests. */
export interface Defect {
  readonly name: string;
  /** `Kind/name` of the object with the defect. */
  readonly object: string;
  /** Text whose first occurrence is replaced. Absent: the object is left out. */
  readonly from?: string | RegExp;
  readonly to?: string;
  readonly isTwice?: boolean;
}

export interface Planted {
  /** All manifests, with the defect. */
  readonly whole: string;
  /** Only the objects with the defect. */
  readonly changed: string;
}

const identity = (document: string): string => {
  const kind = /^kind: (\S+)/m.exec(document)?.[1];
  return `${kind}/${/^metadata:\n {2}name: (\S+)/m.exec(document)?.[1]}`;
};

/** @throws Error if the manifests lack the object or the text */
export function plant(manifests: string, { name, object, from, to = "", isTwice = false }: Defect): Planted {
  const documents = manifests.split(/^---\n/m).filter((document) => document.trim() !== "");
  const at = documents.findIndex((document) => identity(document) === object);
  const before = documents[at];
  if (before === undefined) throw new Error(`${name}: ${object} does not exist`);
  const after = isTwice ? `${before}---\n${before}` : from === undefined ? "" : before.replace(from, () => to);
  if (after === before) throw new Error(`${name}: ${object} does not contain the text to replace`);
  return { whole: documents.toSpliced(at, 1, after).join("---\n"), changed: after };
}
