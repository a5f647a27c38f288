import { nodeFixtures } from "../node-fixtures.ts";
import { testOnWebgpu } from "./on-webgpu.ts";

testOnWebgpu(nodeFixtures);
