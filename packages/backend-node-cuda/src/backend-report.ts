/** `cuda`: an NVIDIA card. `cpu`: TensorFlow's own CPU kernels. */
export type NodeDevice = "cuda" | "cpu";

/** What runs. */
export interface BackendReport {
  readonly backend: "tensorflow";
  /** What TensorFlow says it computes on, which is what was asked for. */
  readonly device: NodeDevice;
  /** Version of the TensorFlow library. */
  readonly tensorflow: string;
  /** Version of tfjs-node's JavaScript. */
  readonly tfjs: string;
  /** Absolute path of the native addon. */
  readonly addon: string;
  /** Where the addon comes from: built by `setup`, an installed package, or the `addon` option. */
  readonly source: "setup" | "installed" | "given";
  /** What matrix products round their operands to, as measured at the start. */
  readonly products: "float32" | "tf32";
  /** Kernels of this package that stand before those of tfjs-node. */
  readonly kernels: Readonly<Record<string, "ours">>;
}
