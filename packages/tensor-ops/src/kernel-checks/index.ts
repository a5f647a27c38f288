export { commonChecks, tableChecks } from "./common-checks.ts";
export { checksum, integers, type KernelCheck, runKernelChecks } from "./kernel-check.ts";
