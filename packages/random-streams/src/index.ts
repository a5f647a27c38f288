export { type Philox4, philox4x32 } from "./philox.ts";
export { type KeyPart, permutation, type RandomStream, randomStream } from "./random-stream.ts";
