/**
 * Which weights of a model train.
 *
 * - `none`: for inference
 * - `full`: the decoder, embedding and head; with `vision: "trainable"` the vision tower and the connector too
 * - `lora`: fresh low-rank adapters on the named linear maps
 * - `adapter`: the adapters that were loaded with the model
 */
export type Trainable =
  | { readonly kind: "none" }
  | { readonly kind: "full"; readonly vision: "trainable" | "frozen" }
  | {
      readonly kind: "lora";
      readonly rank: number;
      readonly alpha: number;
      /** As in PEFT: last parts of module names, or a regular expression that matches whole names. */
      readonly targetModules: readonly string[] | string;
      readonly seed: number;
    }
  | { readonly kind: "adapter" };
