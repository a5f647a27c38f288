import { browserFixtures } from "./browser-fixtures.ts";
import { testLearningOnWebgpu } from "./learning-on-webgpu.ts";

testLearningOnWebgpu(browserFixtures);
