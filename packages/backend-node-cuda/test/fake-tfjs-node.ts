import { temporaryFolder } from "./temporary-folder.ts";

/** A package folder with files where tfjs-node has its JavaScript, written like that. */
export function fakeTfjsNode(files: Readonly<Record<string, string>> = {}): string {
  return temporaryFolder({
    "dist/register_all_kernels.js": `
      var tfjs_1 = require("@tensorflow/tfjs");
      var backend_1 = require("./nodejs_kernel_backend");
      (0, tfjs_1.registerKernel)({ kernelName: "Fake", backendName: "tensorflow", kernelFunc: function () { return backend_1.answer; } });`,
    "dist/nodejs_kernel_backend.js": `
      Object.defineProperty(exports, "__esModule", { value: true });
      var tf = require("@tensorflow/tfjs");
      var util_1 = require("util");
      var messages = require('./proto/api_pb');
      exports.answer = [(0, util_1.isNullOrUndefined)(null), (0, util_1.isNullOrUndefined)(0), (0, util_1.isArray)([])];
      exports.NodeJSKernelBackend = class extends tf.KernelBackend {
        constructor(binding, packageName) { super(); this.binding = binding; this.packageName = packageName; }
      };`,
    ...files,
  });
}
