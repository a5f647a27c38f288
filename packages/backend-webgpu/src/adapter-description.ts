/** What computes, as the browser tells it; parts that it keeps to itself are empty. */
export interface AdapterDescription {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** True when a CPU plays the part of the GPU: right numbers, slowly. */
  readonly software: boolean;
}

const softwareNames = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i;

/** Describes an adapter. Software is recognised by the browser's own word for it and by the names of the known ones. */
export function describeAdapter(adapter: GPUAdapter): AdapterDescription {
  const { vendor, architecture, device, description } = adapter.info;
  const fallback = [adapter.info, adapter].some(
    (source) => (source as { readonly isFallbackAdapter?: boolean }).isFallbackAdapter === true,
  );
  const software = fallback || softwareNames.test([vendor, architecture, device, description].join(" "));
  return { vendor, architecture, device, description, software };
}
