import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { crossChecks } from "../support/manifests/cross-checks.ts";
import { DEFECTS, OPENINGS } from "../support/manifests/defects.ts";
import {
  admission,
  type Findings,
  helmLint,
  type Layer,
  literals,
  models,
  type Texts,
} from "../support/manifests/layers.ts";
import { misconfigurations } from "../support/manifests/misconfigurations.ts";
import { plant } from "../support/manifests/plant.ts";
import { CHART, render } from "../support/manifests/render.ts";
import { openTools } from "../support/manifests/tools.ts";

const tools = await openTools("defects of the chart");

/** The layers by their letter in the printed table. */
const LAYERS: Readonly<Record<string, { readonly what: string; readonly judge: Layer }>> = {
  H: { what: "helm lint --strict", judge: helmLint },
  K: { what: "Kubernetes' own decoding, validation and pod security", judge: admission },
  M: { what: "schemas of Kubernetes and of custom resources", judge: models },
  T: { what: "literals of their TypeScript types", judge: literals },
  V: { what: "trivy", judge: misconfigurations },
  O: { what: "our own cross-checks", judge: async (texts) => mapped(texts, (text) => crossChecks(text)) },
};

const mapped = (texts: Texts, judge: (text: string) => readonly string[]): Findings =>
  Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, judge(text)]));

const numbered = (at: number): string => `defect-${at}`;
const findings: Record<string, Findings> = {};

if (tools !== null) {
  beforeAll(async () => {
    const [manifests = "", asItComes = ""] = await Promise.all(
      ["scaled", "default"].map((name) =>
        render(join(tools.programs, "helm"), { values: [join(CHART, `ci/${name}-values.yaml`)] }),
      ),
    );
    const clean = { manifests, asItComes };
    const planted = DEFECTS.map((defect) => plant(manifests, defect));
    const texts = (letter: string): Texts => {
      const named = planted.map((one, at) => [numbered(at), letter === "O" ? one.whole : one.changed] as const);
      // trivy takes long and finds only security problems.
      const asked = named.filter(([, text], at) => text !== "" && (letter !== "V" || OPENINGS.includes(DEFECTS[at]!)));
      return { ...Object.fromEntries(asked), ...clean };
    };
    await Promise.all(
      Object.entries(LAYERS).map(async ([letter, { judge }]) => {
        findings[letter] = await judge(texts(letter), tools);
      }),
    );
  }, 240_000);

  const catchers = (at: number): string[] =>
    Object.keys(LAYERS).filter((letter) => (findings[letter]?.[numbered(at)]?.length ?? 0) > 0);

  afterAll(() => {
    const rows = DEFECTS.map(({ name }, at) => `${name.padEnd(52)} ${catchers(at).join(" ")}`);
    const caught = DEFECTS.filter((_, at) => catchers(at).length > 0).length;
    const legend = Object.entries(LAYERS).map(([letter, { what }]) => {
      const own = DEFECTS.filter((_, at) => catchers(at).includes(letter)).length;
      return `${letter}: ${what}: ${own}`;
    });
    console.log([...rows, ...legend, `caught: ${caught} of ${DEFECTS.length}`].join("\n"));
  });

  test("every layer passes the manifests without a planted defect", () => {
    for (const letter of Object.keys(LAYERS)) {
      expect([letter, findings[letter]]).toEqual([letter, expect.objectContaining({ manifests: [], asItComes: [] })]);
    }
  });

  for (const [at, { name }] of DEFECTS.entries()) {
    test(`at least one layer catches: ${name}`, () => {
      expect(catchers(at)).not.toBeEmpty();
    });
  }

  test("every layer catches at least one defect", () => {
    for (const letter of Object.keys(LAYERS)) {
      expect([letter, DEFECTS.some((_, at) => catchers(at).includes(letter))]).toEqual([letter, true]);
    }
  });
}
