/** The real API as a program, under the configuration that its argument holds. */
import { openApi } from "./api.ts";

const api = await openApi({ config: JSON.parse(process.argv[2] ?? "{}") });
console.log(JSON.stringify({ message: "listening", url: api.url }));
