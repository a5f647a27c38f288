import { browserFixtures } from "../browser-fixtures.ts";
import { testOnWebgpu } from "./on-webgpu.ts";

testOnWebgpu(browserFixtures);
