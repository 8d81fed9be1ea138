import { MemoryFiles } from "../support/sources/memory-files.ts";
import { sourcesConformance } from "./sources.ts";

sourcesConformance("memory", async () => {
  const files = new MemoryFiles({});
  const path = (name: string) => `/data/${name}`;
  return {
    sources: files,
    async write(name, rows) {
      files.contents.set(path(name), [...rows]);
    },
    async append(name, rows) {
      files.contents.get(path(name))?.push(...rows);
    },
    async spoil(name) {
      files.contents.set(path(name), []);
      files.unreadable.add(path(name));
    },
    async remove(name) {
      files.contents.delete(path(name));
    },
    async [Symbol.asyncDispose]() {},
  };
});
