import { defineConfig } from "vitest/config";
import projects from "./vitest.workspace.ts";

export default defineConfig({
  test: {
    projects,
    passWithNoTests: false,
    // tfjs's advertisement of its native package, once for every test file that uses the cpu backend.
    onConsoleLog: (log) => !log.includes("Hi, looks like you are running TensorFlow.js in Node.js"),
  },
});
