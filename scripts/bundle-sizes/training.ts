// What a page needs to train besides: views, teacher, loss, optimiser, and the trained weights as files.
import { divergenceThroughHead, sampledReverseKlThroughHead } from "@imagine-opd/distillation-loss";
import { clipScale, createAdamW, globalNorm } from "@imagine-opd/optim";
import { createTeacher, pairContexts, studentPrompt, teacherPrompt } from "@imagine-opd/privileged-teacher";
import { cropRegions } from "@imagine-opd/region-cropper";
import { sampleRollouts } from "@imagine-opd/rollout-sampler";
import { saveCheckpoint } from "@imagine-opd/vision-language-model";
import { variableGrads } from "@tensorflow/tfjs-core";
import { inference } from "./inference.ts";

const training = {
  ...{ cropRegions, studentPrompt, teacherPrompt, createTeacher, pairContexts, sampleRollouts },
  ...{ divergenceThroughHead, sampledReverseKlThroughHead, variableGrads },
  ...{ createAdamW, globalNorm, clipScale, saveCheckpoint },
};
Object.assign(globalThis, { ...inference, ...training });
