import { join } from "node:path";
import { decodeImage, openDirectory } from "@imagine-opd/host/node";
import { type FileSink, readJson } from "@imagine-opd/protocol";
import { openSafetensors, type TensorToWrite, writeSafetensors } from "@imagine-opd/safetensors";

/** What the model is opened from, as transformers wrote it. */
const checkpoint = [
  "chat_template.jinja",
  "config.json",
  "generation_config.json",
  "model.safetensors",
  "preprocessor_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
];

/** Large, and its norm is compared in any case. */
const leftOut = "distill/grad/model.text_model.embed_tokens.weight";

interface Fixture {
  readonly cases: Readonly<Record<string, { readonly messages: unknown; readonly images: readonly string[] }>>;
  readonly distill: Readonly<Record<string, unknown>>;
  readonly transformers: string;
  readonly torch: string;
}

/**
 * Writes what `verify` carries: the smallest model of the repository's goldens, two contexts of it, and what is expected.
 * @param fixtures path of the repository's `goldens/fixtures`
 */
export async function collectGoldens(fixtures: string, sink: FileSink): Promise<void> {
  const files = openDirectory(join(fixtures, "smolvlm"));
  for (const name of checkpoint) await sink.write(name, await files.read(name));
  const { cases, distill, transformers, torch } = (await readJson(files, "fixture.json")) as unknown as Fixture;
  const contexts = Object.fromEntries(
    ["student", "teacher"].map((name) => [name, { messages: cases[name]!.messages, images: cases[name]!.images }]),
  );
  const wanted = ["response_ids", "student_logprobs", "teacher_logprobs", "mean", "grad_norms"];
  const numbers = Object.fromEntries(wanted.map((name) => [name, distill[name]]));
  await sink.write("expected.json", `${JSON.stringify({ transformers, torch, contexts, ...numbers })}\n`);

  const computed = await openSafetensors(files, "expected.safetensors");
  const tensors: TensorToWrite[] = [...computed.tensors]
    .filter(([name]) => name.startsWith("distill/") && name !== leftOut)
    .map(([name, { dtype, shape }]) => ({
      name: name.slice("distill/".length),
      dtype,
      shape,
      data: async () => (await computed.read(name)).data,
    }));
  for (const name of new Set(Object.values(contexts).flatMap(({ images }) => images))) {
    const { image } = await decodeImage(join(fixtures, `common/images/${name}.png`));
    const shape = [image.height, image.width, 3];
    tensors.push({ name: `image/${name}`, dtype: "U8", shape, data: () => new Uint8Array(image.data) });
  }
  await writeSafetensors(sink, "expected.safetensors", tensors, {});
}
