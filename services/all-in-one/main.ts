/** The whole pipeline in one process, configured by environment variables alone, as in the image. */
import { start } from "./start-program.ts";

await start([]);
