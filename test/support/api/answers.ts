/** The answers of the API to thirty questions. They depend on the stored readings only, not on the wiring. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "../process/temporary-folder.ts";
import { ask, type GpuList, onePass, sourceEnded, startAllInOne, type TelemetryPage } from "../programs/all-in-one.ts";
import { addressOf, ROOT } from "../programs/process.ts";
import { type GraphqlAnswer, postGraphql } from "./graphql-answer.ts";
import { mergeParts, openParts } from "./parts.ts";
import { type Known, type Question, questionsAbout } from "./questions.ts";
import { openEvents } from "./sse.ts";

export type Answers = Readonly<Record<string, unknown>>;

interface Listed {
  readonly uuid: string;
  readonly hostname: string;
  readonly namespace: string | null;
  readonly model_name: string;
}

async function learn(address: string): Promise<Known> {
  const { gpus } = await ask<{ readonly gpus: readonly Listed[] }>(`${address}/api/v1/gpus`);
  const first = gpus.find(({ namespace }) => namespace !== null) ?? gpus[0];
  const other = gpus.at(-1);
  if (first === undefined || other === undefined) throw new Error("The store has no GPU");
  const telemetry = `${address}/api/v1/gpus/${first.uuid}/telemetry`;
  const readings = await ask<TelemetryPage>(`${telemetry}?limit=200`);
  return {
    gpu: first.uuid,
    other: other.uuid,
    host: first.hostname,
    namespace: first.namespace ?? "nobody",
    model: first.model_name,
    nextGpus: (await ask<GpuList>(`${address}/api/v1/gpus?limit=2`)).next ?? "",
    newest: readings.telemetry[0]?.timestamp ?? "",
    earlier: readings.telemetry.at(-1)?.timestamp ?? "",
    nextReadings: (await ask<TelemetryPage>(`${telemetry}?limit=3`)).next ?? "",
  };
}

async function answerTo(address: string, question: Question): Promise<unknown> {
  if ("parts" in question) {
    await using parts = await openParts(address, { query: question.parts });
    return mergeParts(await parts.rest());
  }
  if ("subscription" in question) {
    await using events = await openEvents(address, question.subscription);
    return await events.next();
  }
  if ("query" in question) {
    const response = await postGraphql(`${address}/graphql`, JSON.stringify(question));
    return (await response.json()) as GraphqlAnswer;
  }
  const { path, accept = "*/*" } = question;
  const response = await fetch(address + path, { headers: { accept } });
  const text = await response.text();
  // Bun adds the charset to the type of JSON, Deno does not.
  const type = response.headers.get("content-type")?.replace(/;.*/, "");
  return {
    status: response.status,
    type,
    body: /^application\/(problem\+)?json$/.test(type ?? "") ? JSON.parse(text) : text,
  };
}

export async function answersOf(address: string): Promise<Answers> {
  const answers: Record<string, unknown> = {};
  for (const [name, question] of Object.entries(questionsAbout(await learn(address)))) {
    answers[name] = await answerTo(address, question);
  }
  return answers;
}

/** The answers of all-in-one after one pass over the sample, with the times of the file. */
export async function answersAboutSample(folder: string, runtime: "bun" | "deno"): Promise<Answers> {
  await using program = startAllInOne(
    onePass(join(ROOT, "data/sample.csv.gz"), join(folder, `${runtime}.sqlite`)),
    runtime,
  );
  const address = await addressOf(program);
  await sourceEnded(program);
  const answers = await answersOf(address);
  program.kill("SIGTERM");
  const status = await program.exited;
  if (status !== 0) throw new Error(`all-in-one on ${runtime} ended with ${status}`);
  return answers;
}

/** The recorded answers. `bun test/support/api/answers.ts` records them again. */
export const RECORDED = join(ROOT, "test/fixtures/answers.json");

if (import.meta.main) {
  await using folder = await temporaryFolder();
  await writeFile(RECORDED, `${JSON.stringify(await answersAboutSample(folder.path, "bun"), null, 2)}\n`);
}
