import { readFileSync } from "node:fs";
import { encodeFloat32, writeSafetensors } from "@imagine-opd/safetensors";
import { goldenPath, memoryFiles, readGoldenJson, readGoldenTensors } from "@imagine-opd/test-kit";
import { expect, test } from "vitest";
import { matchModules } from "./match-modules.ts";
import { readAdapter } from "./read-adapter.ts";

const families = ["idefics3", "smolvlm", "qwen2_vl", "qwen2_5_vl", "qwen3_vl"];
const load = (folder: string) =>
  memoryFiles(
    Object.fromEntries(
      ["adapter_config.json", "adapter_model.safetensors"].map((name) => [
        name,
        readFileSync(goldenPath(`${folder}/adapter/${name}`)),
      ]),
    ),
  );

test.each(families)("%s: the golden adapter touches the golden modules with the golden factors", async (family) => {
  const expected = readGoldenJson(`${family}/adapter_expected.json`);
  const tensors = readGoldenTensors(`${family}/adapter/adapter_model.safetensors`);
  const { modules, replaced, config } = await readAdapter(load(family));
  expect(new Set(modules.keys())).toEqual(new Set(expected.modules));
  expect(tensors.size).toBe(2 * modules.size);
  expect(replaced.size).toBe(0);
  expect(config).toEqual({ rank: 4, alpha: 8, scaling: "alpha/rank", baseModel: `tiny-${family}` });
  for (const { name, rank, inSize, outSize, scale, a, b } of modules.values()) {
    const [A, B] = ["A", "B"].map((which) => tensors.get(`base_model.model.${name}.lora_${which}.weight`)!);
    expect([rank, scale]).toEqual([expected.r, expected.lora_alpha / expected.r]);
    expect([
      [rank, inSize],
      [outSize, rank],
    ]).toEqual([A!.shape, B!.shape]);
    expect([a, b]).toEqual([A!.data, B!.data]);
  }
});

test.each(families)("%s: the adapter's `target_modules` matches the modules that PEFT touched", (family) => {
  const shapes: Record<string, number[]> = readGoldenJson(`${family}/fixture.json`).weight_names;
  const linear = Object.keys(shapes)
    .filter((name) => name.endsWith(".weight") && shapes[name]!.length === 2 && !/embed/.test(name))
    .map((name) => name.slice(0, -".weight".length));
  const target = readGoldenJson(`${family}/adapter/adapter_config.json`).target_modules;
  const { modules } = readGoldenJson(`${family}/adapter_expected.json`);
  expect(new Set(matchModules(linear, target))).toEqual(new Set(modules));
});

type Tensors = Record<string, { shape: number[]; values: number[] }>;
const plain = { peft_type: "LORA", r: 2, lora_alpha: 6, bias: "none", base_model_name_or_path: "tiny" };
const pair = (module: string, rank = 2): Tensors => ({
  [`base_model.model.${module}.lora_A.weight`]: { shape: [rank, 3], values: new Array(rank * 3).fill(1) },
  [`base_model.model.${module}.lora_B.weight`]: { shape: [4, rank], values: new Array(4 * rank).fill(2) },
});

/** Files of an adapter with this configuration and these tensors. */
async function adapterFiles(config: object | string, tensors: Tensors, dtype: "F32" | "BF16" = "F32") {
  const text = typeof config === "string" ? config : JSON.stringify(config);
  const files = memoryFiles({ "adapter_config.json": text });
  await writeSafetensors(
    files,
    "adapter_model.safetensors",
    Object.entries(tensors).map(([name, { shape, values }]) => ({
      name,
      dtype,
      shape,
      data: () => encodeFloat32(Float32Array.from(values), dtype),
    })),
  );
  return files;
}
const read = async (config: object | string, tensors: Tensors) => readAdapter(await adapterFiles(config, tensors));

test("the rank is the tensors', alpha the configuration's or the first pattern's that matches the last parts", async () => {
  const tensors = { ...pair("model.layers.0.q_proj", 3), ...pair("model.layers.1.q_proj"), ...pair("model.my_q_proj") };
  const alpha_pattern = { "layers.0.q_proj": 12, "^model\\.layers.*": 8, q_proj: 100, "del\\.my_q_proj": 200 };
  const { modules, config } = await read({ ...plain, r: 64, rank_pattern: { q_proj: 99 }, alpha_pattern }, tensors);
  const scales = [...modules.values()].map(({ name, rank, scale }) => [name, rank, scale]);
  expect(scales.sort()).toEqual([
    ["model.layers.0.q_proj", 3, 4],
    ["model.layers.1.q_proj", 2, 4],
    ["model.my_q_proj", 2, 3], // neither "q_proj" nor "del.my_q_proj" begins at a part of the name
  ]);
  expect(config).toEqual({ rank: 64, alpha: 6, scaling: "alpha/rank", baseModel: "tiny" });
});

test("use_rslora divides alpha by the square root of the rank", async () => {
  const { modules, config } = await read({ ...plain, use_rslora: true }, pair("q"));
  expect(modules.get("q")!.scale).toBe(6 / Math.sqrt(2));
  expect(config.scaling).toBe("alpha/sqrt(rank)");
});

test("BF16 factors are widened", async () => {
  const { modules } = await readAdapter(await adapterFiles(plain, pair("q"), "BF16"));
  expect(modules.get("q")).toMatchObject({ a: new Float32Array(6).fill(1), b: new Float32Array(8).fill(2) });
});

test("modules_to_save are whole weights, by parameter name", async () => {
  const tensors = {
    ...pair("model.q_proj"),
    "base_model.model.lm_head.weight": { shape: [2, 1], values: [5, 6] },
    "base_model.model.model.merger.mlp.0.bias": { shape: [1], values: [7] },
  };
  const { replaced } = await read({ ...plain, modules_to_save: ["lm_head", "merger"] }, tensors);
  expect([...replaced].sort()).toEqual([
    ["lm_head.weight", { shape: [2, 1], data: Float32Array.of(5, 6) }],
    ["model.merger.mlp.0.bias", { shape: [1], data: Float32Array.of(7) }],
  ]);
  await expect(read({ ...plain, modules_to_save: ["head"] }, tensors)).rejects.toThrow(/lm_head.weight" is neither/);
});

test("mapName gives old names their place in the model; patterns go by the names in the file", async () => {
  const tensors = {
    ...pair("visual.blocks.0.attn.qkv"),
    "base_model.model.visual.x.bias": { shape: [1], values: [1] },
  };
  const files = await adapterFiles({ ...plain, alpha_pattern: { "^visual.*": 8 }, modules_to_save: ["x"] }, tensors);
  const { modules, replaced } = await readAdapter(files, { mapName: (name) => `model.${name}` });
  expect([...modules.keys()]).toEqual(["model.visual.blocks.0.attn.qkv"]);
  expect(modules.get("model.visual.blocks.0.attn.qkv")).toMatchObject({
    name: "model.visual.blocks.0.attn.qkv",
    scale: 4,
  });
  expect([...replaced.keys()]).toEqual(["model.visual.x.bias"]);
  const two = await adapterFiles(plain, { ...pair("q"), ...pair("model.q") });
  await expect(readAdapter(two, { mapName: () => "model.q" })).rejects.toThrow(
    /second one for "model.q" after `mapName`/,
  );
});

test.each([
  [{ peft_type: "IA3" }, /`peft_type` "IA3", which is not plain LoRA/],
  [{ use_dora: true }, /`use_dora` true, which is not plain LoRA\. Merge the adapter/],
  [{ bias: "lora_only" }, /`bias` "lora_only".*Train the adapter with bias "none"/],
  [{ fan_in_fan_out: true }, /`fan_in_fan_out` true/],
  [{ lora_bias: true }, /`lora_bias` true/],
  [{ trainable_token_indices: [3] }, /`trainable_token_indices` \[3\]/],
  [{ layer_replication: [[0, 4]] }, /`layer_replication`/],
  [{ init_lora_weights: "pissa_niter_16" }, /`init_lora_weights` "pissa_niter_16".*Convert it with PEFT/],
])("the configuration %j is unsupported", async (change, message) => {
  await expect(read({ ...plain, ...change }, pair("q"))).rejects.toMatchObject({
    code: "unsupported",
    message: expect.stringMatching(message),
  });
});

test.each([
  ["{", /"adapter_config.json" is not JSON/],
  ["[]", /not a JSON object/],
  [{ ...plain, lora_alpha: undefined }, /`lora_alpha` must be a number above 0, got undefined/],
  [{ ...plain, r: "8" }, /`r` must be a number above 0, got "8"/],
  [{ ...plain, alpha_pattern: { q: null } }, /`alpha_pattern\["q"\]` must be a number above 0, got null/],
  [{ ...plain, modules_to_save: "lm_head" }, /`modules_to_save` must be a list of names, got "lm_head"/],
])("the configuration %j is invalid", async (config, message) => {
  await expect(read(config, pair("q"))).rejects.toMatchObject({
    code: "invalid-data",
    message: expect.stringMatching(message),
  });
});

const { "base_model.model.q.lora_A.weight": A, "base_model.model.q.lora_B.weight": B } = pair("q");
const one = { shape: [1], values: [0] };
test.each([
  [
    "a magnitude vector",
    { ...pair("q"), "base_model.model.q.lora_magnitude_vector.weight": one },
    /magnitude_vector.weight" is neither/,
  ],
  ["a bias of B", { ...pair("q"), "base_model.model.q.lora_B.bias": one }, /lora_B.bias" is neither/],
  ["an embedding", { "base_model.model.e.lora_embedding_A": one }, /lora_embedding_A" is neither/],
  ["another prefix", { "q.lora_A.weight": A!, "q.lora_B.weight": B! }, /"q.lora_[AB].weight" is neither/],
  ["a lone A", { "base_model.model.q.lora_A.weight": A! }, /"base_model.model.q.lora_A.weight" has no lora_B/],
  ["a lone B", { "base_model.model.q.lora_B.weight": B! }, /"base_model.model.q.lora_B.weight" has no lora_A/],
  [
    "ranks that differ",
    { ...pair("q"), "base_model.model.q.lora_B.weight": pair("q", 3)["base_model.model.q.lora_B.weight"]! },
    /lora_A is \[2, 3\] and lora_B is \[4, 3\]/,
  ],
  ["a rank of 0", pair("q", 0), /lora_A is \[0, 3\] and lora_B is \[4, 0\]/],
  [
    "a convolution",
    { ...pair("q"), "base_model.model.q.lora_A.weight": { shape: [2, 3, 1, 1], values: A!.values } },
    /lora_A is \[2, 3, 1, 1\]/,
  ],
])("a file with %s is refused by the tensor's name", async (_title, tensors, message) => {
  await expect(read(plain, tensors)).rejects.toThrow(message);
});

test("missing files are named", async () => {
  await expect(readAdapter(memoryFiles())).rejects.toMatchObject({
    code: "missing-file",
    message: expect.stringContaining('no file "adapter_config.json"'),
  });
  const files = memoryFiles({ "adapter_config.json": JSON.stringify(plain) });
  await expect(readAdapter(files)).rejects.toMatchObject({
    code: "missing-file",
    message: expect.stringContaining('no file "adapter_model.safetensors"'),
  });
});
