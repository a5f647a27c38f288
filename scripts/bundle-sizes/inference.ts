// What a page needs to open a checkpoint and ask it about a picture.
import { openWebgpuBackend } from "@imagine-opd/backend-webgpu";
import { decodeImage, openUrl } from "@imagine-opd/host/browser";
import { parseTrajectory, studentMessages } from "@imagine-opd/imagination-prompts";
import { streamRollouts } from "@imagine-opd/rollout-sampler";
import { openModel } from "@imagine-opd/vision-language-model";

export const inference = {
  ...{ openWebgpuBackend, openUrl, decodeImage },
  ...{ openModel, studentMessages, streamRollouts, parseTrajectory },
};
Object.assign(globalThis, { inference });
