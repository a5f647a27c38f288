import { testLearningOnWebgpu } from "./learning-on-webgpu.ts";
import { nodeFixtures } from "./node-fixtures.ts";

testLearningOnWebgpu(nodeFixtures);
