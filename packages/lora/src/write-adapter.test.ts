import { readFileSync } from "node:fs";
import { goldenPath, memoryFiles } from "@imagine-opd/test-kit";
import { expect, test } from "vitest";
import type { Adapter, AdapterModule } from "./adapter.ts";
import { createAdapter } from "./create-adapter.ts";
import { readAdapter } from "./read-adapter.ts";
import { writeAdapter } from "./write-adapter.ts";

const layers = [
  { name: "model.layers.0.q_proj", inSize: 5, outSize: 4 },
  { name: "model.layers.1.q_proj", inSize: 5, outSize: 3 },
];
const fresh = createAdapter(layers, { rank: 3, alpha: 8, seed: 1 });
const configOf = (files: ReturnType<typeof memoryFiles>) =>
  JSON.parse(new TextDecoder().decode(files.contents.get("adapter_config.json")));

test("an adapter comes back as it was, with the name of its base model", async () => {
  const files = memoryFiles();
  const adapter: Adapter = {
    ...fresh,
    replaced: new Map([["lm_head.weight", { shape: [1, 2], data: Float32Array.of(1, 2) }]]),
  };
  await writeAdapter(files, adapter, { baseModel: "tiny" });
  expect(await readAdapter(files)).toEqual({ ...adapter, config: { ...adapter.config, baseModel: "tiny" } });
});

test("the configuration is the one that PEFT reads", async () => {
  const files = memoryFiles();
  await writeAdapter(files, fresh, { baseModel: "tiny" });
  expect(configOf(files)).toEqual({
    alpha_pattern: {},
    base_model_name_or_path: "tiny",
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: 8,
    lora_dropout: 0,
    modules_to_save: null,
    peft_type: "LORA",
    r: 3,
    rank_pattern: {},
    target_modules: ["model.layers.0.q_proj", "model.layers.1.q_proj"],
    task_type: "CAUSAL_LM",
    use_dora: false,
    use_rslora: false,
  });
});

test.each(["alpha/rank", "alpha/sqrt(rank)"] as const)(
  "modules of another rank or scale (%s) come back through patterns",
  async (scaling) => {
    const files = memoryFiles();
    const [first, second] = [...fresh.modules.values()] as [AdapterModule, AdapterModule];
    const divisor = scaling === "alpha/rank" ? 3 : Math.sqrt(3);
    const modules = new Map<string, AdapterModule>([
      [first.name, { ...first, scale: 8 / divisor }],
      [second.name, { ...second, rank: 1, a: first.a.slice(0, 5), b: new Float32Array(3), scale: 0.25 }],
    ]);
    const adapter: Adapter = { ...fresh, modules, config: { ...fresh.config, scaling, baseModel: "tiny" } };
    await writeAdapter(files, adapter, { baseModel: "tiny" });
    expect(configOf(files)).toMatchObject({
      r: 3,
      lora_alpha: 8,
      use_rslora: scaling === "alpha/sqrt(rank)",
      rank_pattern: { "^model\\.layers\\.1\\.q_proj": 1 },
      alpha_pattern: { "^model\\.layers\\.1\\.q_proj": 0.25 },
    });
    expect(await readAdapter(files)).toEqual(adapter);
  },
);

test("BF16 is half the size and rounds", async () => {
  const [full, half] = [memoryFiles(), memoryFiles()];
  await writeAdapter(full, fresh, { baseModel: "tiny" });
  await writeAdapter(half, fresh, { baseModel: "tiny", dtype: "BF16" });
  const [wanted, got] = await Promise.all([readAdapter(full), readAdapter(half)]);
  for (const { name, a } of wanted.modules.values()) {
    const rounded = got.modules.get(name)!.a;
    expect(rounded).not.toEqual(a);
    for (const [i, value] of a.entries()) {
      expect(Math.abs(rounded[i]! - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -8);
    }
  }
  await writeAdapter(half, got, { baseModel: "tiny", dtype: "BF16" });
  expect((await readAdapter(half)).modules).toEqual(got.modules);
});

test.each(["idefics3", "smolvlm", "qwen2_vl", "qwen2_5_vl", "qwen3_vl"])(
  "%s: the golden adapter is written again with the same bytes",
  async (family) => {
    const [config, weights] = ["adapter_config.json", "adapter_model.safetensors"] as const;
    const golden = (name: string) => readFileSync(goldenPath(`${family}/adapter/${name}`));
    const adapter = await readAdapter(memoryFiles({ [config]: golden(config), [weights]: golden(weights) }));
    const again = memoryFiles();
    await writeAdapter(again, adapter, { baseModel: `tiny-${family}` });
    expect(Buffer.compare(again.contents.get(weights)!, golden(weights))).toBe(0);
    expect((await readAdapter(again)).config).toEqual(adapter.config);
  },
);

test("an adapter without modules and factors of another size are refused before anything is written", async () => {
  const files = memoryFiles();
  await expect(writeAdapter(files, { ...fresh, modules: new Map() }, { baseModel: "tiny" })).rejects.toThrow(
    /lora\.writeAdapter: the adapter has no modules/,
  );
  const [first] = [...fresh.modules.values()] as [AdapterModule];
  const wrong = { ...fresh, modules: new Map([[first.name, { ...first, rank: 2 }]]) };
  await expect(writeAdapter(files, wrong, { baseModel: "tiny" })).rejects.toMatchObject({ code: "mismatch" });
  expect(files.contents.size).toBe(0);
});
