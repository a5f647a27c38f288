export { type ProbeOptions, probe, probePassed } from "./probe.ts";
export type { ProbeRow, ProbeStatus } from "./probe-case.ts";
