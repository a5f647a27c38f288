import { rmsNorm } from "@imagine-opd/tensor-ops";
import { readGoldenJson } from "@imagine-opd/test-kit";
import { openModel, type VisionLanguageModel } from "@imagine-opd/vision-language-model";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { layerNorm } from "../../packages/tensor-ops/src/layer-norm.ts";
import { runSequences } from "../../packages/vision-language-model/src/model/forward.ts";
import { createImageEncoder } from "../../packages/vision-language-model/src/model/image-features.ts";
import { rotaryAngles, rotaryFrequencies } from "../../packages/vision-language-model/src/model/rotary-angles.ts";
import { causalBias } from "../../packages/vision-language-model/src/model/sequence-layout.ts";
import { bindText, decoderLayer } from "../../packages/vision-language-model/src/model/text-decoder.ts";
import {
  bindVision,
  connect,
  embedPatches,
  visionLayer,
} from "../../packages/vision-language-model/src/model/vision-tower.ts";
import {
  backends,
  caseMessages,
  families,
  fillMessages,
  largestDifference,
  openFixture,
  readCases,
  readExpected,
  useBackend,
} from "../family.ts";

const student = { kind: "student" } as const;

describe.each(backends)("%s", (backend) => {
  beforeAll(() => useBackend(backend));

  describe.each(families)("%s", (family) => {
    const cases = readCases(family);
    const expected = readExpected(family);
    const check = (name: string, actual: tf.Tensor) =>
      expect(largestDifference(actual.dataSync(), expected.get(name)!.data), name).toBeLessThan(1e-4);
    let model: VisionLanguageModel;
    let unsplit: VisionLanguageModel;
    let full: VisionLanguageModel;
    let tensorsBefore = 0;

    beforeAll(async () => {
      tensorsBefore = tf.memory().numTensors;
      model = await openModel(openFixture(family));
      unsplit = await openModel(openFixture(family), { imageSplitting: "off" });
      full = await openModel(openFixture(family), { trainable: { kind: "full", vision: "trainable" } });
    });
    afterAll(() => {
      model.dispose();
      unsplit.dispose();
      full.dispose();
      expect(tf.memory().numTensors).toBe(tensorsBefore);
    });
    const encode = async (name: string) =>
      (name === "nosplit" ? unsplit : model).processor.encode(await caseMessages(family, name));

    test("every weight of the checkpoint is used and counted", () => {
      const total = Object.entries(cases.weight_names as Record<string, number[]>)
        .filter(([name]) => name !== "lm_head.weight" || family === "idefics3")
        .reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b, 1), 0);
      expect(model.parameterCount).toBe(total);
      expect(model.unusedTensors).toEqual([]);
    });

    test("activations, block by block", async () => {
      const { patches } = await encode("student");
      tf.tidy(() => {
        const { config, store } = model;
        const weights = bindVision(store, config, student);
        const rows = tf.tensor2d(patches[0]!.values, [5 * 16, 3 * 8 * 8]);
        let x: tf.Tensor = embedPatches(rows, weights);
        check("student/act/model.vision_model.embeddings", x);
        weights.layers.forEach((layer, i) => {
          x = visionLayer(x, layer, config.vision);
          check(`student/act/model.vision_model.encoder.layers.${i}`, x);
        });
        x = layerNorm(x, weights.postNorm.weight, weights.postNorm.bias, config.vision.epsilon);
        check("student/act/model.vision_model.post_layernorm", x);
        check("student/act/model.connector", connect(x, weights, config.scaleFactor));
      });
    });

    test("decoder activations and the logits of every position", async () => {
      const prompt = await encode("student");
      tf.tidy(() => {
        const { config, store } = full;
        const parts = { config, store, images: createImageEncoder(store, config, false), hostRows: undefined };
        const weights = bindText(store, config, student);
        const whole = runSequences([prompt], "right", parts, student);
        const first = runSequences(
          [prompt],
          "right",
          { ...parts, config: { ...config, text: { ...config.text, layers: 0 } } },
          student,
        );
        const angles = rotaryAngles(
          first.layout.positions,
          [1, first.layout.length],
          rotaryFrequencies(config.text.headDim, config.text.ropeTheta),
        );
        const bias = tf.tensor4d(causalBias(first.layout).values, [1, 1, first.layout.length, first.layout.length]);
        let x = first.x;
        weights.layers.forEach((layer, i) => {
          x = decoderLayer(x, layer, { ...angles, bias }, config.text).x;
          check(`student/act/model.text_model.layers.${i}`, x);
        });
        const states = rmsNorm(tf.reshape(whole.x, [-1, 48]), weights.norm, config.text.epsilon) as tf.Tensor2D;
        check("student/act/model.text_model.norm", states);
        check("student/logits", model.policy.head.logits(states));
      });
    });

    test.each(["student", "teacher", "text", "nosplit"])(
      "%s: last logits, and greedy ids with log-probs through the cache",
      async (name) => {
        const { policy } = name === "nosplit" ? unsplit : model;
        const { generated_ids: ids, generated_logprobs: logProbs } = cases.cases[name];
        const session = policy.startDecoding([await encode(name)]);
        let logits = session.next();
        const last = expected.get(`${name}/logits_last8`)!.data.slice(-416);
        expect(largestDifference(logits.dataSync(), last)).toBeLessThan(1e-4);
        for (const [i, id] of ids.entries()) {
          const values = logits.dataSync();
          expect(values.indexOf(Math.max(...values)), `token ${i}`).toBe(id);
          const logSum = Math.log(Array.from(values).reduce((sum, value) => sum + Math.exp(value), 0));
          expect(Math.abs(values[id]! - logSum - logProbs[i])).toBeLessThan(1e-4);
          logits.dispose();
          logits = session.next(Int32Array.of(id));
        }
        logits.dispose();
        session.dispose();
      },
    );

    test("a left-padded batch gives every row the ids that it gets alone", async () => {
      const prompts = [await encode("student"), await encode("teacher")];
      const session = model.policy.startDecoding(prompts);
      const answers: number[][] = [[], []];
      let logits = session.next();
      for (let step = 0; step < 10; step++) {
        const values = logits.dataSync();
        logits.dispose();
        const ids = [0, 1].map((row) => {
          const own = values.subarray(row * 416, (row + 1) * 416);
          return own.indexOf(Math.max(...own));
        });
        ids.forEach((id, row) => {
          answers[row]!.push(id);
        });
        logits = session.next(Int32Array.from(ids));
      }
      logits.dispose();
      session.dispose();
      expect(answers).toEqual(cases.batch.generated_ids);
    });

    test("rows that are selected, repeated and appended go on as if alone", async () => {
      const [a, b] = [await encode("student"), await encode("teacher")];
      const session = model.policy.startDecoding([a]);
      session.next().dispose();
      session.next(Int32Array.of(cases.cases.student.generated_ids[0])).dispose();
      const added = session.append([b]);
      expect(largestDifference(added.dataSync(), expected.get("teacher/logits_last8")!.data.slice(-416))).toBeLessThan(
        1e-4,
      );
      added.dispose();
      session.select(Int32Array.of(1, 0, 1));
      expect([...session.lengths]).toEqual([b.tokenIds.length, a.tokenIds.length + 1, b.tokenIds.length]);
      const [studentIds, teacherIds] = [cases.cases.student.generated_ids, cases.cases.teacher.generated_ids];
      const logits = session.next(Int32Array.of(teacherIds[0], studentIds[1], teacherIds[0]));
      const values = logits.dataSync();
      [teacherIds[1], studentIds[2], teacherIds[1]].forEach((id, row) => {
        const own = values.subarray(row * 416, (row + 1) * 416);
        expect(own.indexOf(Math.max(...own))).toBe(id);
      });
      logits.dispose();
      session.select(Int32Array.of(1));
      expect([...session.lengths]).toEqual([a.tokenIds.length + 2]);
      session.dispose();
    });

    test("an old configuration file gives the same model", async () => {
      const files = openFixture(family);
      const legacy = {
        ...files,
        read: (name: string, range?: { from: number; to: number }) =>
          files.read(name === "config.json" ? "legacy_config.json" : name, range),
      };
      const old = await openModel(legacy);
      expect(old.config).toEqual(model.config);
      old.dispose();
    });

    test.each(["preprocessor_config.json", "processor_config.json"])("%s alone is enough", async (missing) => {
      const files = openFixture(family);
      const partial = { ...files, size: async (name: string) => (name === missing ? undefined : files.size(name)) };
      const opened = await openModel(partial);
      expect(opened.processor.imageSettings).toEqual(model.processor.imageSettings);
      opened.dispose();
    });

    test("the answers to questions about picture files", async () => {
      for (const { files, messages, generated_ids: ids, generated_text: text } of readGoldenJson(`${family}/ask.json`)
        .cases) {
        const session = model.policy.startDecoding([model.processor.encode(await fillMessages(messages, files))]);
        const answer: number[] = [];
        let logits = session.next();
        while (answer.length < ids.length) {
          const values = logits.dataSync();
          answer.push(values.indexOf(Math.max(...values)));
          logits.dispose();
          logits = session.next(Int32Array.of(answer[answer.length - 1]!));
        }
        logits.dispose();
        session.dispose();
        expect(answer).toEqual(ids);
        expect(model.processor.decode(answer)).toBe(text);
      }
    });
  });
});
