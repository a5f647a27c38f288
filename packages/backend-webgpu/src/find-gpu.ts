import { ImagineOpdError } from "@imagine-opd/protocol";

/** Where devices come from, and what was put into the global scope to reach it. */
export interface GpuSource {
  readonly gpu: GPU;
  /** Who provides it: the browser (or another host with `navigator.gpu`), or Dawn's addon in Node. */
  readonly provider: "host" | "dawn";
  /** Takes back what was lent to the global scope. */
  release(): void;
}

interface DawnModule {
  create(flags: string[]): GPU;
  readonly globals: Record<string, unknown>;
}

/** What tfjs's backend looks up in the global scope while it runs. */
const namesThatTfjsReads = ["GPUBuffer", "GPUBufferUsage", "GPUMapMode", "GPUTexture", "GPUTextureUsage"];

const scope = globalThis as unknown as Record<string, unknown> & {
  readonly navigator?: { readonly gpu?: GPU };
  readonly process?: { readonly versions?: { readonly node?: string } };
};

/**
 * The host's `navigator.gpu`; in Node without one, Dawn from the package `webgpu`, which is loaded only then.
 * @throws missing-part when there is neither
 */
export async function findGpu(where: string): Promise<GpuSource> {
  const provided = scope.navigator?.gpu;
  if (provided !== undefined && provided !== null) return { gpu: provided, provider: "host", release: () => {} };
  if (scope.process?.versions?.node === undefined) throw noWebgpu(where);
  const { create, globals } = await loadDawn(where);
  const lent = namesThatTfjsReads.filter((name) => scope[name] === undefined);
  for (const name of lent) scope[name] = globals[name];
  return {
    gpu: create([]),
    provider: "dawn",
    release: () => {
      for (const name of lent) delete scope[name];
    },
  };
}

/**
 * Calls `make` while `navigator.gpu` is there: tfjs's backend asks for it when it is constructed, and never again. Afterwards
 * the global scope is as it was, since Node does not end by itself while something holds on to Dawn.
 */
export function withNavigatorGpu<Result>(gpu: GPU, make: () => Result): Result {
  if (scope.navigator?.gpu !== undefined) return make();
  const [holder, name] = scope.navigator === undefined ? [scope, "navigator"] : [scope.navigator, "gpu"];
  const value = name === "gpu" ? gpu : { gpu };
  Object.defineProperty(holder, name, { value, configurable: true });
  try {
    return make();
  } finally {
    delete (holder as Record<string, unknown>)[name];
  }
}

async function loadDawn(where: string): Promise<DawnModule> {
  // A name that bundlers cannot see: the addon is for Node alone, and optional there.
  const name: string = "webgpu";
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as DawnModule;
  } catch (cause) {
    throw new ImagineOpdError("missing-part", {
      where,
      problem: "Node has no WebGPU of its own, and the package webgpu (Dawn) could not be loaded.",
      remedy: "npm i webgpu",
      cause,
    });
  }
}

function noWebgpu(where: string): ImagineOpdError {
  const insecure = (globalThis as { readonly isSecureContext?: boolean }).isSecureContext === false;
  return new ImagineOpdError("missing-part", {
    where,
    problem: insecure
      ? "this page has no WebGPU, because it was not loaded from a secure origin."
      : "this browser has no WebGPU (navigator.gpu is not there).",
    remedy: insecure
      ? "Serve it over https, or from localhost."
      : "Take a current Chrome, Edge, Firefox or Safari with WebGPU switched on, or the backend of @imagine-opd/backend-wasm.",
    details: { secureContext: !insecure },
  });
}
