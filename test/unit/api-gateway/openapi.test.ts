import { describe, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { Validator } from "@seriousme/openapi-schema-validator";
import { parse } from "yaml";

const read = (name: string) => readFile(new URL(`../../../schema/generated/${name}`, import.meta.url), "utf8");
const document = JSON.parse(await read("openapi.json"));

describe("schema/generated/openapi", () => {
  test("is valid OpenAPI 3.1, and every reference has a target", async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(document));
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined as never });
    expect(validator.version).toBe("3.1");
    const broken = structuredClone(document);
    broken.paths["/health"].get.responses["200"].headers = [];
    expect((await new Validator().validate(broken)).valid).toBeFalse();

    const references = JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g);
    const targets = new Set([...references].map(([, path = ""]) => path));
    expect(targets.size).toBeGreaterThan(15);
    for (const path of targets) {
      const target = path.split("/").reduce((at, part) => at?.[part], document);
      expect([path, typeof target]).toEqual([path, "object"]);
    }
  });

  test("is the same in JSON and YAML", async () => {
    expect(parse(await read("openapi.yaml"))).toEqual(document);
  });

  test("describes each parameter of a route in its own words", () => {
    const { parameters } = document.paths["/api/v1/gpus/{uuid}/telemetry"].get;
    const texts: string[] = parameters.map(({ description }: { description: string }) => description);
    expect(texts.length).toBeGreaterThan(5);
    expect(texts.filter((text) => text === "")).toEqual([]);
    expect(new Set(texts).size).toBe(texts.length);
  });

  test("lists every status of a route, and no answer that no route uses", () => {
    const used = new Set<string>();
    for (const [path, { get }] of Object.entries<{
      get: { parameters?: { name: string }[]; responses: Record<string, { $ref?: string }> };
    }>(document.paths)) {
      const statuses = Object.keys(get.responses);
      const always = ["200", "405", "500", "503"];
      const data = path === "/health" ? [] : ["304", "400", "401", "406", "421", "429"];
      const byUuid = get.parameters?.some(({ name }) => name === "uuid") ? ["404"] : [];
      expect([path, statuses.sort()]).toEqual([path, [...always, ...data, ...byUuid].sort()]);
      for (const { $ref } of Object.values(get.responses))
        if ($ref !== undefined) used.add($ref.split("/").at(-1) ?? "");
    }
    expect([...used].sort()).toEqual(Object.keys(document.components.responses).sort());
  });
});
